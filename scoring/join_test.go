package scoring_test

import (
	"crypto/ed25519"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
)

func TestJoinCodes(t *testing.T) {
	b := begin(t)
	_, strange, _ := ed25519.GenerateKey(nil)
	sign := func(key ed25519.PrivateKey, exam, student string, end time.Time) string {
		link, _ := token.NewSigner(key, exam, b.now).SignLink(student, end)

		return link
	}
	later := b.now().Add(time.Hour)
	sessionToken, _ := token.NewSigner(b.session, examName, b.now).
		Sign(token.Session, "s1", time.Hour, token.Claims{SessionID: "x"})
	past := b.now().Add(-time.Minute)

	cases := map[string]struct {
		bearer, body string
		status       int
		code         wire.ErrorCode
	}{
		"good":            {b.linkFor("s1"), `{"device":"d"}`, 200, ""},
		"no token":        {"", `{"device":"d"}`, 401, wire.CodeUnauthenticated},
		"nonsense":        {"a.b.c", `{"device":"d"}`, 401, wire.CodeUnauthenticated},
		"another key":     {sign(strange, examName, "s1", later), `{"device":"d"}`, 401, wire.CodeUnauthenticated},
		"a session token": {sessionToken, `{"device":"d"}`, 401, wire.CodeUnauthenticated},
		"expired":         {sign(b.link, examName, "s1", past), `{"device":"d"}`, 401, wire.CodeTokenExpired},
		"another exam":    {sign(b.link, "demo/geometry", "s1", later), `{"device":"d"}`, 403, wire.CodeWrongExam},
		"not enrolled":    {sign(b.link, examName, "s9", later), `{"device":"d"}`, 403, wire.CodeNotEnrolled},
		"no JSON":         {b.linkFor("s1"), `device`, 400, wire.CodeBadRequest},
		"no device":       {b.linkFor("s1"), `{}`, 400, wire.CodeBadRequest},
		"a long device":   {b.linkFor("s1"), `{"device":"` + strings.Repeat("d", 129) + `"}`, 400, wire.CodeBadRequest},
		"a strange one":   {b.linkFor("s1"), `{"device":"a b"}`, 400, wire.CodeBadRequest},
		"too large":       {b.linkFor("s1"), `{"device":"` + strings.Repeat("d", 5000) + `"}`, 413, wire.CodeTooLarge},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			response, body := b.do("POST", base+"api/v1/join", tc.bearer, tc.body)
			if response.StatusCode != tc.status || code(body) != tc.code {
				t.Errorf("%s %s", response.Status, body)
			}
		})
	}
}

func TestJoinAnswer(t *testing.T) {
	b := begin(t)
	got := b.join("s1", "laptop")

	if got.Student.Name != "Ada" || got.Exam.Title != "Algebra" || got.Exam.EndsAt != b.config.EndsAt ||
		got.Shard != "sfu-0" || got.Policy.Version != "v1" || got.IceServers == nil || got.ExpiresAt != b.config.EndsAt {
		t.Errorf("answer %+v", got)
	}

	if s := b.state("s1"); s.State != "Joined" || s.JoinedAt == 0 || s.LastSeenAt == 0 || s.Shard != "sfu-0" {
		t.Errorf("session %+v", s)
	}
}

func TestScheduleOfJoins(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.OpensAt = b.now().Add(10 * time.Minute).UnixMilli()
	b.start()

	response, body := b.do("POST", base+"api/v1/join", b.linkFor("s1"), `{"device":"d"}`)
	if after := response.Header.Get("Retry-After"); response.StatusCode != http.StatusForbidden ||
		code(body) != wire.CodeExamNotOpen || (after != "600" && after != "599") {
		t.Errorf("before: %s %s, after %s", response.Status, body, after)
	}

	b.pass(10 * time.Minute)
	socket := b.dial(b.join("s1", "d").Token)
	socket.await("welcome")

	b.pass(time.Hour)

	if got := socket.closed(); got != wire.CloseExamFinished {
		t.Errorf("socket closed with %d", got)
	}

	if s := b.state("s1"); s.State != "Finished" {
		t.Errorf("session %+v", s)
	}

	response, body = b.do("POST", base+"api/v1/join", b.linkFor("s1"), `{"device":"d"}`)
	if response.StatusCode != http.StatusForbidden || code(body) != wire.CodeExamFinished {
		t.Errorf("after: %s %s", response.Status, body)
	}
}

func TestAnotherDeviceTakesOver(t *testing.T) {
	b := begin(t)
	laptop := b.join("s1", "laptop")
	old := b.dial(laptop.Token)
	old.await("welcome")
	old.report(1, "FocusLost")
	old.await("ack")
	b.pods[0].receive("s1", true)
	b.until("live", func() bool { return b.state("s1").State == "Live" })

	phone := b.join("s1", "phone")
	if got := old.closed(); got != wire.CloseSessionReplaced {
		t.Errorf("old socket closed with %d", got)
	}

	// The old device's stream ends, and its token opens nothing.
	b.until("old stream ended", func() bool { return !b.state("s1").Streaming })

	if got := b.dial(laptop.Token).closed(); got != wire.CloseSessionReplaced {
		t.Errorf("old token's socket closed with %d", got)
	}

	response, body := b.do("POST", base+"api/v1/whip", laptop.Token, "offer", "Content-Type", "application/sdp")
	if response.StatusCode != http.StatusConflict || code(body) != wire.CodeSessionReplaced {
		t.Errorf("old token's offer: %s %s", response.Status, body)
	}

	fresh := b.dial(phone.Token)
	if welcome := fresh.await("welcome"); welcome.Seq != 0 || *welcome.Score != 5 {
		t.Errorf("new device is welcomed with %+v", welcome)
	}

	// A reload resumes: the same session, and what it reported is known.
	fresh.report(1)
	fresh.await("ack")

	again := b.dial(b.join("s1", "phone").Token)
	if welcome := again.await("welcome"); welcome.Seq != 1 {
		t.Errorf("reload is welcomed with %+v", welcome)
	}

	if got := fresh.closed(); got != wire.CloseSessionReplaced {
		t.Errorf("reloaded page's socket closed with %d", got)
	}
}

// TestTakeOverRaces lets two devices fight, and checks that exactly one of them
// keeps the session: the one that the store names.
func TestTakeOverRaces(t *testing.T) {
	b := begin(t)

	for range 20 {
		type end struct {
			device string
			code   int
		}

		ends := make(chan end, 2)
		sockets := make(chan *socket, 2)

		for _, device := range []string{"laptop", "phone"} {
			go func() {
				s := b.dial(b.join("s1", device).Token)
				sockets <- s

				ends <- end{device, s.closed()}
			}()
		}

		one, two := <-sockets, <-sockets

		loser := <-ends
		if loser.code != wire.CloseSessionReplaced {
			t.Fatalf("%s was closed with %d", loser.device, loser.code)
		}

		if got := stored(t, b); got.Device == loser.device {
			t.Fatalf("%s lost the session and the store names it: %+v", loser.device, got)
		}

		select {
		case both := <-ends:
			t.Fatalf("%s was closed as well, with %d", both.device, both.code)
		default:
		}

		_, _ = one.CloseNow(), two.CloseNow()
		<-ends
	}
}

// stored is what Redis holds of s1.
func stored(t *testing.T, b *bench) store.Record {
	t.Helper()

	client := store.NewClient([]string{b.redis.Addr}, b.redis.PasswordFile)
	defer client.Close()

	records, err := store.NewRedis(client, examName).Sync(t.Context(), []store.Record{{Student: "s1"}}, b.config.EndsAt)
	if err != nil {
		t.Fatal(err)
	}

	return records[0]
}

func TestRosterAndPolicyFollowTheFile(t *testing.T) {
	b := begin(t)
	one, two := b.dial(b.join("s1", "d").Token), b.dial(b.join("s2", "d").Token)
	one.await("welcome")
	two.await("welcome")
	two.report(1, "FocusLost")
	two.await("ack")

	b.config.Students = []wire.Student{{ID: "s2", Name: "Blaise"}, {ID: "s3", Name: "Carl"}}
	b.config.Title = "Algebra II"
	b.config.Policy.Version = "v2"
	b.config.Policy.Violations[1].Weight = 12
	b.write("exam.json", b.config)

	if got := one.closed(); got != wire.CloseNotEnrolled {
		t.Errorf("removed student's socket closed with %d", got)
	}

	if got := two.await("exam"); got.Exam.Title != "Algebra II" {
		t.Errorf("told %+v", got.Exam)
	}

	if s := b.state("s2"); s.Score != 12 || s.Level != "watch" || s.PolicyVersion != "v2" {
		t.Errorf("session %+v", s)
	}

	b.join("s3", "d")

	// A file that makes no sense changes nothing.
	broken := b.config
	broken.Policy.Violations = []wire.ViolationRule{{Type: "X", Severity: "grave"}}
	b.write("exam.json", broken)
	b.join("s3", "d")
}
