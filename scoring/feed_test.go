package scoring_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

func asClosed(err error, closed *websocket.CloseError) bool { return errors.As(err, closed) }

func TestFeed(t *testing.T) {
	b, c := watched(t)
	w := b.watch(c.token(t, time.Hour, nil))

	first, err := w.read()
	if err != nil || first.Type != "snapshot" || len(first.Sessions) != 2 || first.Sessions[0].Name != "Ada" ||
		first.Exam.Title != "Algebra" || first.Status == nil || !first.Status.StoreAvailable || first.At == 0 {
		t.Fatalf("first message %+v, %v", first, err)
	}

	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	if delta := w.await("delta"); len(delta.Sessions) != 1 || delta.Sessions[0].Student != "s1" {
		t.Errorf("delta %+v", delta)
	}

	s.report(1, "MultipleFaces")

	if got := w.await("violation"); got.Student != "s1" || got.Violation.Type != "MultipleFaces" || *got.Score != 30 ||
		got.Level != "suspicious" {
		t.Errorf("violation %+v", got)
	}

	for delta := w.await("delta"); delta.Sessions[0].Score != 30; delta = w.await("delta") {
	}

	b.config.Students = append(b.config.Students[1:], wire.Student{ID: "s3", Name: "Carl"})
	b.write("exam.json", b.config)

	added, removed := false, false
	for !added || !removed {
		delta := w.await("delta")
		for _, s := range delta.Sessions {
			added = added || s.Student == "s3"
		}

		for _, student := range delta.Removed {
			removed = removed || student == "s1"
		}
	}

	b.config.Title = "Geometry"
	b.write("exam.json", b.config)

	if got := w.await("snapshot"); got.Exam.Title != "Geometry" || len(got.Sessions) != 2 {
		t.Errorf("snapshot %+v", got)
	}

	b.pods[0].Close()

	if got := w.await("status"); got.Status.Shards[0].Ready {
		t.Errorf("status %+v", got.Status)
	}

	b.stop()

	if code, _ := w.closed(); code != wire.CloseShutdown {
		t.Errorf("closed with %d", code)
	}
}

func TestFeedRefusals(t *testing.T) {
	b, c := watched(t)
	stranger := newCluster(t)
	stranger.id = c.id

	tests := map[string]struct {
		token, reason string
	}{
		"no token":          {"", "Unauthenticated"},
		"a student's token": {b.join("s1", "d").Token, "Unauthenticated"},
		"a stranger's key":  {stranger.token(t, time.Hour, nil), "Unauthenticated"},
		"expired":           {c.token(t, -time.Minute, nil), "TokenExpired"},
		"another subject":   {c.token(t, time.Hour, jwt.MapClaims{"sub": "system:serviceaccount:demo:default"}), "Forbidden"},
		"another exam":      {c.token(t, time.Hour, jwt.MapClaims{"aud": "invigil:exam:demo/other"}), "WrongExam"},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if code, reason := b.watch(tc.token).closed(); code != wire.CloseUnauthenticated || reason != tc.reason {
				t.Errorf("closed with %d %s, want %s", code, reason, tc.reason)
			}
		})
	}

	response, body := b.do("GET", base+"api/v1/feed", "", "")
	if response.StatusCode != http.StatusBadRequest || code(body) != wire.CodeVersionNotOffered {
		t.Errorf("no subprotocol: %s %s", response.Status, body)
	}

	response, body = b.do("GET", base+"api/v1/feed", "", "", "Sec-WebSocket-Protocol", wire.FeedSubprotocol,
		"Origin", "https://evil.example")
	if response.StatusCode != http.StatusForbidden || code(body) != wire.CodeForbidden {
		t.Errorf("another origin: %s %s", response.Status, body)
	}

	response, body = b.do("PUT", base+"api/v1/feed", "", "")
	if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET" {
		t.Errorf("PUT: %s %s", response.Status, body)
	}
}

// TestFeedEnds: with its token, at that moment, and with what admitted it.
func TestFeedEnds(t *testing.T) {
	b, c := watched(t)

	expires := time.Now().Add(2 * time.Second).Truncate(time.Second) // Tokens count seconds.
	w := b.watch(c.token(t, time.Until(expires), nil))

	if code, reason := w.closed(); code != wire.CloseUnauthenticated || reason != "TokenExpired" {
		t.Errorf("closed with %d %s", code, reason)
	}

	if late := time.Since(expires); late < -50*time.Millisecond || late > 10*time.Second {
		t.Errorf("closed %s after its token's end", late)
	}

	// A configuration that changes something else, or adds a key, changes nothing.
	staying := b.watch(c.token(t, time.Hour, nil))
	staying.await("snapshot")

	b.config.Title = "Geometry"
	b.write("exam.json", b.config)
	staying.await("snapshot")

	// The cluster has other keys now.
	next := newCluster(t)
	b.config.Invigilators = next.config(t)
	b.write("exam.json", b.config)

	if code, reason := staying.closed(); code != wire.CloseUnauthenticated || reason != "Unauthenticated" {
		t.Errorf("closed with %d %s", code, reason)
	}

	staying = b.watch(next.token(t, time.Hour, nil))
	staying.await("snapshot")

	// Nobody may watch; the exam goes on.
	b.config.Invigilators = nil
	b.write("exam.json", b.config)

	if code, _ := staying.closed(); code != wire.CloseUnauthenticated {
		t.Errorf("closed with %d", code)
	}

	b.join("s2", "d")
}

// TestFeedConfiguration: what is wrong with it keeps nobody from the exam.
func TestFeedConfiguration(t *testing.T) {
	c := newCluster(t)
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.Invigilators = c.config(t)
	b.config.Invigilators.Keys = []byte(`{}`)
	b.start()
	b.join("s1", "d")

	if code, _ := b.watch(c.token(t, time.Hour, nil)).closed(); code != wire.CloseUnauthenticated {
		t.Errorf("closed with %d", code)
	}

	b.config.Invigilators = c.config(t)
	b.write("exam.json", b.config)
	b.until("somebody may watch", func() bool {
		message, err := b.watch(c.token(t, time.Hour, nil)).read()

		return err == nil && message.Type == "snapshot"
	})
}

func TestFeedLimits(t *testing.T) {
	b, c := watched(t)
	token := c.token(t, time.Hour, nil)

	// A feed takes nothing.
	w := b.watch(token)
	w.await("snapshot")

	if err := w.Write(t.Context(), websocket.MessageText, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}

	if code, _ := w.closed(); code != wire.CloseBadMessage {
		t.Errorf("after a message: closed with %d", code)
	}

	w = b.watch(token)
	w.await("snapshot")

	if err := w.Write(t.Context(), websocket.MessageText, make([]byte, 2<<10)); err != nil {
		t.Fatal(err)
	}

	if code, _ := w.closed(); code != int(websocket.StatusMessageTooBig) {
		t.Errorf("after a large message: closed with %d", code)
	}

	for range 64 {
		b.watch(token).await("snapshot")
	}

	if code, reason := b.watch(token).closed(); code != int(websocket.StatusTryAgainLater) || reason != "RateLimited" {
		t.Errorf("one too many: closed with %d %s", code, reason)
	}
}
