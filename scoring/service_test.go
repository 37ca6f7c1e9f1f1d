package scoring_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

func TestPage(t *testing.T) {
	b := begin(t)
	const js, forever = "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"

	cases := map[string]struct {
		path, cache, contentType string
		status                   int
	}{
		"page":              {base, "no-store", "text/html; charset=utf-8", 200},
		"page by its name":  {base + "index.html", "no-store", "text/html; charset=utf-8", 200},
		"script":            {base + "assets/app-1a2b.js", forever, js, 200},
		"model code":        {base + "assets/model-5e6f.wasm", forever, "application/wasm", 200},
		"model, not a page": {base + "assets/model-7a8b.task", forever, "application/octet-stream", 200},
		"icon":              {base + "favicon.svg", "no-cache", "image/svg+xml", 200},
		"missing script":    {base + "assets/other.js", "no-store", "application/json", 404},
		"no route":          {base + "exam/1", "no-store", "application/json", 404},
		"hidden file":       {base + ".gitkeep", "no-store", "application/json", 404},
		"folder":            {base + "assets/", "no-store", "application/json", 404},
		"unknown call":      {base + "api/v1/nothing", "no-store", "application/json", 404},
		"another exam":      {"/x/demo/geometry/", "no-store", "application/json", 404},
		"internal":          {"/internal/v1/sessions", "no-store", "application/json", 404},
		"double slash":      {base + "/evil.example", "no-store", "application/json", 404},
		"dots":              {base + "assets/../index.html", "no-store", "application/json", 404},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			response, body := b.do("GET", tc.path, "", "")
			header := response.Header

			if response.StatusCode != tc.status || header.Get("Cache-Control") != tc.cache ||
				header.Get("Content-Type") != tc.contentType || header.Get("X-Content-Type-Options") != "nosniff" ||
				header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %v", response.Status, header)
			}

			if tc.status == http.StatusNotFound && code(body) != wire.CodeNotFound {
				t.Errorf("body %s", body)
			}
		})
	}

	for _, path := range []string{"/", strings.TrimSuffix(base, "/")} {
		response, _ := b.do("GET", path, "", "")
		if response.StatusCode != http.StatusFound || response.Header.Get("Location") != base {
			t.Errorf("%s: %s to %s", path, response.Status, response.Header.Get("Location"))
		}
	}

	for path, allow := range map[string]string{
		base: "GET, HEAD", base + "api/v1/join": "POST", base + "api/v1/whip": "OPTIONS, POST",
		base + "api/v1/whip/a/b": "DELETE, PATCH", base + "api/v1/events": "GET",
	} {
		response, body := b.do("PUT", path, "", "")
		if response.StatusCode != http.StatusMethodNotAllowed || code(body) != wire.CodeMethodNotAllowed ||
			response.Header.Get("Allow") != allow {
			t.Errorf("PUT %s: %s %s %v", path, response.Status, body, response.Header)
		}
	}
}

func TestPageSecurityHeaders(t *testing.T) {
	b := begin(t)
	response, _ := b.do("GET", base, "", "")
	want := "default-src 'self'; connect-src 'self'; frame-src https://quiz.example.org; img-src 'self' blob: data:; " +
		"media-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'none'"

	if got := response.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q", got)
	}

	if got := response.Header.Get("Permissions-Policy"); !strings.HasPrefix(got, "camera=(self), ") {
		t.Errorf("permissions %q", got)
	}

	// Only the worker makes functions from strings.
	response, _ = b.do("GET", base+"assets/worker-3c4d.js", "", "")
	if got := response.Header.Get("Content-Security-Policy"); !strings.Contains(got, "'unsafe-eval'") {
		t.Errorf("worker's policy %q", got)
	}

	for _, content := range []string{"", "javascript:alert(1)", "https://a.example; script-src *", "//x", "ftp://x/"} {
		b.config.ContentURL = content
		b.config.Title += "."
		b.write("exam.json", b.config)
		b.until("policy follows "+content, func() bool {
			response, _ := b.do("GET", base, "", "")

			return strings.Contains(response.Header.Get("Content-Security-Policy"), "frame-src 'none';")
		})
	}
}

func TestInternalServer(t *testing.T) {
	b := begin(t)

	for path, status := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/debug/pprof/": 200,
		"/internal/v1/sessions": 401, base: 404,
	} {
		response, err := b.get(path)
		if err != nil {
			t.Fatal(err)
		}

		if response.StatusCode != status {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

func TestLongPoll(t *testing.T) {
	b := begin(t)
	b.join("s1", "d")

	first := b.sessions("")
	if !first.Full || len(first.Sessions) != 2 || !first.StoreAvailable || len(first.Shards) != 1 {
		t.Fatalf("first %+v", first)
	}

	answers := make(chan wire.Sessions)
	go func() { answers <- b.sessions("?wait=30&since=" + first.Cursor) }()

	b.pods[0].receive("s1", true)

	news := <-answers
	if news.Full || len(news.Sessions) != 1 || !news.Sessions[0].Streaming || news.Sessions[0].Shard != "sfu-0" ||
		news.Shards[0].Streaming != 1 {
		t.Errorf("news %+v", news)
	}

	if other := b.sessions("?wait=30&since=unknown-7"); !other.Full || len(other.Sessions) != 2 {
		t.Errorf("unknown cursor %+v", other)
	}
}

func TestLiveAndInterrupted(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")
	b.pods[0].receive("s1", true)

	if got := s.await("state"); got.State != "Live" {
		t.Errorf("state %+v", got)
	}

	b.pods[0].receive("s1", false)

	if got := s.await("state"); got.State != "Interrupted" {
		t.Errorf("state %+v", got)
	}

	b.pods[0].receive("s1", true)
	s.await("state")
	s.Close(1000, "")
	b.until("page gone", func() bool { got := b.state("s1"); return got.State == "Interrupted" && got.Streaming })

	// The pod dies without a word.
	b.pods[0].die()
	b.until("pod gone", func() bool { got := b.sessions(""); return !got.Shards[0].Ready && !b.state("s1").Streaming })
}

func TestScoresSurviveARestartOfScoring(t *testing.T) {
	b := begin(t)
	joined := b.join("s1", "d")
	s := b.dial(joined.Token)
	s.await("welcome")
	b.pods[0].receive("s1", true)
	s.await("state")
	s.report(1, "MultipleFaces")
	s.await("ack")
	s.report(2, "MultipleFaces") // The first is alive.
	s.await("ack")

	cursor := b.sessions("").Cursor
	b.stop()
	b.start()

	if got := b.sessions("?since=" + cursor); !got.Full {
		t.Errorf("an old cursor is known: %+v", got)
	}

	if got := b.state("s1"); got.Score != 30 || got.JoinedAt == 0 || got.State != "Interrupted" {
		t.Errorf("session %+v", got)
	}

	// The page only reconnects, and learns what it need not send again.
	s = b.dial(joined.Token)
	if welcome := s.await("welcome"); welcome.Seq != 2 || *welcome.Score != 30 || welcome.State != "Live" {
		t.Errorf("welcome %+v", welcome)
	}

	s.report(2, "MultipleFaces")
	s.await("ack")

	if got := b.state("s1"); got.Score != 30 {
		t.Errorf("session %+v", got)
	}
}

func TestDegradedMode(t *testing.T) {
	b := prepare(t, 1)
	b.start() // Redis is not there at all

	if b.sessions("").StoreAvailable {
		t.Fatal("a store that never was is available")
	}

	joined := b.join("s1", "d")
	s := b.dial(joined.Token)
	s.await("welcome")

	seq := int64(0)
	next := func() {
		t.Helper()
		b.pass(time.Minute)

		seq++
		s.report(seq, "FocusLost")
		s.await("ack")
	}

	next()
	b.redis.Restart()
	b.until("store", func() bool { return b.sessions("").StoreAvailable })
	next()
	b.redis.Kill()
	next()
	b.until("no store", func() bool { return !b.sessions("").StoreAvailable })

	if got := b.state("s1"); got.Score != 15 {
		t.Errorf("session without store %+v", got)
	}

	if response, err := b.get("/healthz"); err != nil || response.StatusCode != http.StatusOK {
		t.Error("not healthy without store")
	}

	next()
	b.redis.Restart()
	b.until("store", func() bool { return b.sessions("").StoreAvailable })
	next()

	// Only what Redis holds survives this.
	b.stop()
	b.start()

	if got := b.state("s1"); got.Score != 25 || got.Violations[0].Count != 5 {
		t.Errorf("session after a restart %+v", got)
	}

	s = b.dial(joined.Token)
	if welcome := s.await("welcome"); welcome.Seq != seq {
		t.Errorf("welcome %+v, want seq %d", welcome, seq)
	}
}
