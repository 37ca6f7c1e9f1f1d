package streams_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/session"
	"github.com/invigil/invigil/sfu/streams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source never changes; asked tells when somebody waits for it to.
type source struct {
	asked chan time.Duration
}

func (source) Streams() (string, []session.Stream) {
	return "epoch.1", []session.Stream{{
		Student: "ada", Session: "x", Since: time.UnixMilli(5), Receiving: true, Packets: 1, Bytes: 2,
	}}
}

func (source) Draining() bool { return false }

func (s source) Await(ctx context.Context, _ string) {
	deadline, _ := ctx.Deadline()
	s.asked <- time.Until(deadline)

	<-ctx.Done()
}

func TestLongPoll(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}

	signer := token.NewSigner(private, "default/finals", time.Now)

	bearer, err := signer.Sign(token.Internal, "scoring", time.Minute, token.Claims{})
	if err != nil {
		t.Fatal(err)
	}

	asked := make(chan time.Duration, 1)
	handler := &streams.Handler{
		Shard:    "finals-sfu-0",
		Verifier: token.NewVerifier(public, "default/finals", time.Now),
		Source:   source{asked},
		Ready:    func() error { return nil },
	}
	tests := map[string]struct {
		query   string
		waits   bool
		atMost  time.Duration
		atLeast time.Duration
	}{
		"no since":        {query: "?wait=30"},
		"no wait":         {query: "?since=epoch.1"},
		"another version": {query: "?since=epoch.0&wait=30"},
		"the same":        {query: "?since=epoch.1&wait=20", waits: true, atLeast: 15 * time.Second, atMost: 20 * time.Second},
		"wait is bounded": {query: "?since=epoch.1&wait=3600", waits: true, atLeast: 25 * time.Second, atMost: 30 * time.Second},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			// The server's shutdown, or the client's leaving, ends the poll.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()

			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/internal/v1/streams"+tc.query, nil)
			r.Header.Set("Authorization", "Bearer "+bearer)

			w := httptest.NewRecorder()
			done := make(chan struct{})

			go func() {
				defer close(done)

				handler.ServeHTTP(w, r)
			}()

			if tc.waits {
				if wait := <-asked; wait < tc.atLeast || wait > tc.atMost {
					t.Errorf("waits for %v", wait)
				}

				cancel()
			}

			select {
			case <-done:
			case <-time.After(5 * time.Second):
				t.Fatal("it waits on")
			}

			want := wire.Streams{Version: "epoch.1", Shard: "finals-sfu-0", Ready: true,
				Streams: []wire.Stream{{Student: "ada", Session: "x", Since: 5, Receiving: true, Packets: 1, Bytes: 2}}}

			var got wire.Streams
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
