package issuer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/issuer"
)

// server is an API server's two pages.
type server struct {
	mu    sync.Mutex
	pages map[string]string
	err   error
}

func (s *server) get(_ context.Context, path string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	return []byte(s.pages[path]), s.err
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()

	change()
}

const (
	discovery = "/.well-known/openid-configuration"
	keys      = "/openid/v1/jwks"
	first     = `{"kty":"RSA","use":"sig","alg":"RS256","kid":"b","n":"AQ","e":"AQAB","d":"secret","x5c":["long"]}`
	second    = `{"kty":"EC","kid":"a","crv":"P-256","x":"eA","y":"eQ"}`
)

func newServer() *server {
	return &server{pages: map[string]string{
		discovery: `{"issuer":"https://cluster.example","jwks_uri":"https://elsewhere.example/keys"}`,
		keys:      `{"keys":[` + first + `]}`,
	}}
}

func TestCanonical(t *testing.T) {
	t.Parallel()

	const want = `{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"eA","y":"eQ"},` +
		`{"kty":"RSA","use":"sig","alg":"RS256","kid":"b","n":"AQ","e":"AQAB"}]}`

	for _, in := range []string{
		`{"keys":[` + first + `,` + second + `]}`, `{"more":1, "keys" : [` + second + ` , ` + first + `]}`,
	} {
		if got, err := issuer.Canonical([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}

	for _, in := range []string{``, `[]`, `{}`, `{"keys":[]}`, `{"keys":[1]}`} {
		if got, err := issuer.Canonical([]byte(in)); err == nil {
			t.Errorf("%q gave %s", in, got)
		}
	}
}

// TestWatcher rotates keys, fails and recovers; who runs is told of each change
// once, and a failure loses nothing.
func TestWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		w := issuer.New(s.get)
		w.Exams = func(context.Context) ([]examv1alpha1.Exam, error) { return make([]examv1alpha1.Exam, 1), nil }

		if known, err := w.Current(); known != nil || err != nil {
			t.Errorf("before it asked: %v, %v", known, err)
		}

		told := 0

		go func() {
			for {
				select {
				case <-w.Changes():
					told++
				case <-t.Context().Done():
					return
				}
			}
		}()

		go func() { _ = w.Start(t.Context()) }()

		steps := []struct {
			name    string
			change  func()
			told    int
			id, err string
		}{
			{"the first time", func() {}, 1, `"b"`, ""},
			{"nothing new", func() {}, 1, `"b"`, ""},
			{"a key more", func() { s.pages[keys] = `{"keys":[` + first + `,` + second + `]}` }, 2, `"a"`, ""},
			{"another order", func() { s.pages[keys] = `{"keys":[` + second + `,` + first + `]}` }, 2, `"a"`, ""},
			{"no answer", func() { s.err = errors.New("no route") }, 3, `"a"`, "no route"},
			{"still none", func() {}, 3, `"a"`, "no route"},
			{"nonsense", func() { s.err, s.pages[keys] = nil, `<html>` }, 4, `"a"`, "no key set"},
			{"no issuer", func() { s.pages[discovery] = `{}` }, 5, `"a"`, "names no issuer"},
			{"all is well", func() { s.pages = newServer().pages }, 6, `"b"`, ""},
		}
		for _, step := range steps {
			s.set(step.change)
			time.Sleep(11 * time.Minute) //nolint:forbidigo // the bubble's clock
			synctest.Wait()

			known, err := w.Current()
			if err == nil && step.err != "" || err != nil && (step.err == "" || !strings.Contains(err.Error(), step.err)) {
				t.Errorf("%s: error %v, want %q", step.name, err, step.err)
			}

			if known == nil || known.URL != "https://cluster.example" || !strings.Contains(string(known.Keys), step.id) {
				t.Errorf("%s: %+v", step.name, known)
			}

			if told != step.told {
				t.Errorf("%s: told %d times, want %d", step.name, told, step.told)
			}
		}
	})
}
