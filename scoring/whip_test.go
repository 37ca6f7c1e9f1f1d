package scoring_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/invigil/invigil/internal/wire"
)

const sdp, fragment = "application/sdp", "application/trickle-ice-sdpfrag"

func TestWhip(t *testing.T) {
	b := begin(t)

	response, _ := b.do("OPTIONS", base+"api/v1/whip", "", "")
	if response.StatusCode != http.StatusNoContent || response.Header.Get("Accept-Post") != sdp {
		t.Errorf("OPTIONS: %s %v", response.Status, response.Header)
	}

	ada, blaise := b.join("s1", "d").Token, b.join("s2", "d").Token

	response, body := b.do("POST", base+"api/v1/whip", ada, "offer", "Content-Type", sdp)
	location := response.Header.Get("Location")

	if response.StatusCode != http.StatusCreated || body != "answer" || location != base+"api/v1/whip/sfu-0/m-s1" ||
		response.Header.Get("ETag") != `"1"` || response.Header.Get("Content-Type") != sdp {
		t.Fatalf("POST: %s %q %v", response.Status, body, response.Header)
	}

	cases := []struct {
		name, method, path, bearer, contentType string
		status                                  int
		code                                    wire.ErrorCode
	}{
		{"trickle", "PATCH", location, ada, fragment, 204, ""},
		{"somebody else's", "PATCH", location, blaise, fragment, 404, wire.CodeNotFound},
		{"somebody else's", "DELETE", location, blaise, "", 404, wire.CodeNotFound},
		{"no token", "DELETE", location, "", "", 401, wire.CodeUnauthenticated},
		{"another pod", "DELETE", base + "api/v1/whip/sfu-9/m-s1", ada, "", 404, wire.CodeNotFound},
		{"no such resource", "DELETE", base + "api/v1/whip/sfu-0/m-s9", ada, "", 404, wire.CodeNotFound},
		{"a path for a name", "DELETE", base + "api/v1/whip/sfu-0/..%2fwhip%2fm-s1", ada, "", 404, wire.CodeNotFound},
		{"wrong type", "PATCH", location, ada, sdp, 415, wire.CodeUnsupportedMedia},
		{"wrong type", "POST", base + "api/v1/whip", ada, "text/plain", 415, wire.CodeUnsupportedMedia},
		{"no token", "POST", base + "api/v1/whip", "", sdp, 401, wire.CodeUnauthenticated},
		{"link token", "POST", base + "api/v1/whip", b.linkFor("s1"), sdp, 401, wire.CodeUnauthenticated},
		{"the end", "DELETE", location, ada, "", 200, ""},
		{"after the end", "DELETE", location, ada, "", 404, wire.CodeNotFound},
	}

	for _, tc := range cases {
		response, body := b.do(tc.method, tc.path, tc.bearer, "x", "Content-Type", tc.contentType)
		if response.StatusCode != tc.status || code(body) != tc.code {
			t.Errorf("%s %s: %s %s", tc.method, tc.name, response.Status, body)
		}
	}

	response, body = b.do("POST", base+"api/v1/whip", ada, string(make([]byte, 70_000)), "Content-Type", sdp)
	if response.StatusCode != http.StatusRequestEntityTooLarge || code(body) != wire.CodeTooLarge {
		t.Errorf("large offer: %s %s", response.Status, body)
	}

	// The pod saw a grant for itself and this student, never the session token.
	want := []string{"POST /whip s1 sfu-0 offer", "PATCH /whip/m-s1 s1 sfu-0 x", "DELETE /whip/m-s1 s1 sfu-0 x"}
	if got := b.pods[0].requests(); !slices.Equal(got, want) {
		t.Errorf("pod saw %q", got)
	}
}

func TestWhipPassesPreconditionsOn(t *testing.T) {
	b := begin(t)
	ada := b.join("s1", "d").Token
	response, _ := b.do("POST", base+"api/v1/whip", ada, "offer", "Content-Type", sdp)

	response, body := b.do("PATCH", response.Header.Get("Location"), ada, "x", "Content-Type", fragment, "If-Match", `"0"`)
	if response.StatusCode != http.StatusPreconditionFailed || code(body) != wire.CodePreconditionFail {
		t.Errorf("%s %s", response.Status, body)
	}
}

func TestWhipAfterARestartOfScoring(t *testing.T) {
	b := begin(t)
	ada, blaise := b.join("s1", "d").Token, b.join("s2", "d").Token
	response, _ := b.do("POST", base+"api/v1/whip", ada, "offer", "Content-Type", sdp)
	location := response.Header.Get("Location")
	b.pods[0].receive("s1", true)

	b.stop()
	b.start()
	b.until("stream known", func() bool { return b.state("s1").Streaming })

	if response, body := b.do("DELETE", location, blaise, ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's: %s %s", response.Status, body)
	}

	if response, body := b.do("DELETE", location, ada, ""); response.StatusCode != http.StatusOK {
		t.Errorf("own: %s %s", response.Status, body)
	}
}

func TestWhipTriesTheNextPod(t *testing.T) {
	b := prepare(t, 2)
	b.redis.Restart()
	b.start()

	joined := b.join("s1", "d")
	first, second := b.ranked(joined)
	first.refuse(http.StatusServiceUnavailable, wire.CodeTooManySessions)

	response, body := b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusCreated ||
		response.Header.Get("Location") != base+"api/v1/whip/"+second.name+"/m-s1" {
		t.Errorf("%s %s %v", response.Status, body, response.Header)
	}

	if s := b.state("s1"); s.Shard != second.name {
		t.Errorf("session %+v", s)
	}

	// Both are full: the pod's own answer is passed on.
	second.refuse(http.StatusServiceUnavailable, wire.CodeTooManySessions)

	response, body = b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusServiceUnavailable || code(body) != wire.CodeTooManySessions {
		t.Errorf("both full: %s %s", response.Status, body)
	}

	// Both are gone, and scoring does not know it yet.
	first.die()
	second.die()

	response, body = b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusBadGateway || code(body) != wire.CodeShardUnreachable {
		t.Errorf("both gone: %s %s", response.Status, body)
	}

	b.until("both unready", func() bool {
		shards := b.sessions("").Shards

		return !shards[0].Ready && !shards[1].Ready
	})

	response, body = b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusServiceUnavailable || code(body) != wire.CodeNoShardAvailable ||
		response.Header.Get("Retry-After") == "" {
		t.Errorf("none ready: %s %s", response.Status, body)
	}

	// A student can still join: the exam goes on without the camera.
	if again := b.join("s1", "d"); again.Shard != "" {
		t.Errorf("sent to %s", again.Shard)
	}
}
