package scoring_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
)

func TestWallPages(t *testing.T) {
	b := begin(t)

	for _, path := range []string{"wall", "review", "wall.html"} {
		response, body := b.do("GET", base+path, "", "")
		if response.StatusCode != http.StatusOK || !strings.Contains(body, "<title>wall</title>") ||
			response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %s %v", path, response.Status, body, response.Header)
		}

		policy := response.Header.Get("Content-Security-Policy")
		for _, part := range []string{
			"frame-src 'none'", "frame-ancestors 'none'", "img-src 'self' blob:", "media-src 'self' blob:", "connect-src 'self'",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %q", path, policy, part)
			}
		}

		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "quiz.example.org") {
			t.Errorf("%s: policy %q", path, policy)
		}

		if got := response.Header.Get("Permissions-Policy"); !strings.Contains(got, "camera=()") {
			t.Errorf("%s: permissions %q", path, got)
		}
	}

	if response, _ := b.do("POST", base+"wall", "", ""); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", response.Status)
	}

	// What a student may do stays as it is.
	if response, _ := b.do("GET", base, "", ""); !strings.Contains(response.Header.Get("Permissions-Policy"), "camera=(self)") {
		t.Errorf("the student's page: %v", response.Header)
	}
}

func TestNoWallInTheBuild(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.page = fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}
	b.start()

	for _, path := range []string{"wall", "review"} {
		response, body := b.do("GET", base+path, "", "")
		if response.StatusCode != http.StatusNotFound || code(body) != wire.CodeNotFound || !strings.Contains(body, "build") {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
}

func TestWallConfig(t *testing.T) {
	c := newCluster(t)
	b := recorded(t, func(b *bench) {
		b.config.Invigilators = c.config(t)
		b.config.Evidence = &wire.EvidenceConfig{RetentionMs: 1000}
	})

	response, body := b.do("GET", base+"api/v1/wall", c.token(t, time.Hour, nil), "")

	var got wire.WallConfig
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", response.Status, body)
	}

	if now := b.now().UnixMilli(); got.Exam.Now > now || now-got.Exam.Now > time.Minute.Milliseconds() {
		t.Errorf("now is %d, and the exam's %d", now, got.Exam.Now)
	}

	got.Exam.Now = 0
	want := wire.WallConfig{
		Exam: wire.ExamInfo{
			Namespace: "demo", Name: "algebra", Title: "Algebra", ContentURL: b.config.ContentURL, EndsAt: b.config.EndsAt,
		},
		Policy: b.config.Policy, Evidence: b.config.Evidence, IceServers: []wire.IceServer{}, Tiles: scoring.DefaultTiles(),
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestWhoMayRead: the same for all that invigilators read.
func TestWhoMayRead(t *testing.T) {
	b, c := watched(t)
	student := b.join("s1", "d").Token

	tests := map[string]struct {
		token  string
		status int
		code   wire.ErrorCode
	}{
		"no token":        {"", http.StatusUnauthorized, wire.CodeUnauthenticated},
		"a student's":     {student, http.StatusUnauthorized, wire.CodeUnauthenticated},
		"expired":         {c.token(t, -time.Minute, nil), http.StatusUnauthorized, wire.CodeTokenExpired},
		"another subject": {c.token(t, time.Hour, jwt.MapClaims{"sub": "else"}), http.StatusForbidden, wire.CodeForbidden},
		"another exam": {
			c.token(t, time.Hour, jwt.MapClaims{"aud": "invigil:exam:demo/other"}), http.StatusForbidden, wire.CodeWrongExam,
		},
	}

	for _, path := range []string{"wall", "sessions/s1/record", "pictures/" + strings.Repeat("a", 64)} {
		for name, tc := range tests {
			response, body := b.do("GET", base+"api/v1/"+path, tc.token, "")
			if response.StatusCode != tc.status || code(body) != tc.code {
				t.Errorf("%s with %s: %s %s", path, name, response.Status, body)
			}
		}

		if response, _ := b.do("PUT", base+"api/v1/"+path, "", ""); response.StatusCode != http.StatusMethodNotAllowed ||
			response.Header.Get("Allow") != "GET" {
			t.Errorf("PUT %s: %s", path, response.Status)
		}
	}
}

// TestReadsAreLimited: of one subject, whoever bears its tokens.
func TestReadsAreLimited(t *testing.T) {
	b, c := watched(t)
	token := c.token(t, time.Hour, nil)

	for range 1000 {
		response, body := b.do("GET", base+"api/v1/wall", token, "")
		if response.StatusCode == http.StatusOK {
			continue
		}

		if response.StatusCode != http.StatusTooManyRequests || code(body) != wire.CodeRateLimited ||
			response.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s", response.Status, body)
		}

		return
	}

	t.Error("a thousand requests were answered")
}
