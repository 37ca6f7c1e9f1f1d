package picture_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/picture"
	"github.com/invigil/invigil/sfu/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	decoders = 2
	queue    = 64
)

// source is a session table that does what the test says.
type source func(ctx context.Context, student string, maxAge time.Duration) (*keyframe.Frame, error)

func (s source) KeyFrame(ctx context.Context, student string, maxAge time.Duration) (*keyframe.Frame, error) {
	return s(ctx, student, maxAge)
}

func always(context.Context, string, time.Duration) (*keyframe.Frame, error) {
	return &keyframe.Frame{At: time.UnixMilli(5)}, nil
}

type door struct {
	*picture.Handler

	mux    *http.ServeMux
	bearer string
}

func newDoor(t *testing.T, from source, render func(*keyframe.Frame) (*picture.Picture, error)) *door {
	t.Helper()

	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}

	bearer, err := token.NewSigner(private, "default/finals", time.Now).
		Sign(token.Internal, "scoring", time.Minute, token.Claims{})
	if err != nil {
		t.Fatal(err)
	}

	d := &door{
		Handler: picture.NewHandler(token.NewVerifier(public, "default/finals", time.Now), from, render, zap.NewNop()),
		mux:     http.NewServeMux(),
		bearer:  bearer,
	}
	d.Register(d.mux)

	return d
}

func (d *door) get(ctx context.Context, pathAndQuery string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/internal/v1/streams/"+pathAndQuery, nil)
	r.Header.Set("Authorization", "Bearer "+d.bearer)

	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)

	return w
}

func code(w *httptest.ResponseRecorder) wire.ErrorCode {
	var body wire.Error
	// No error body: no code.
	_ = json.Unmarshal(w.Body.Bytes(), &body)

	return body.Code
}

// TestTimeout lets the three seconds pass that a student has for a key frame.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, func(ctx context.Context, _ string, _ time.Duration) (*keyframe.Frame, error) {
			<-ctx.Done()

			return nil, context.Cause(ctx)
		}, nil)

		if w := d.get(t.Context(), "ada/keyframe"); w.Code != http.StatusGatewayTimeout || code(w) != wire.CodeKeyFrameTimeout {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestAnswers(t *testing.T) {
	fails := func(err error) source {
		return func(context.Context, string, time.Duration) (*keyframe.Frame, error) { return nil, err }
	}
	renders := func(err error) func(*keyframe.Frame) (*picture.Picture, error) {
		return func(*keyframe.Frame) (*picture.Picture, error) {
			if err != nil {
				return nil, err
			}

			return &picture.Picture{JPEG: []byte("jpeg"), Width: 3, Height: 2}, nil
		}
	}
	aged := func(want time.Duration) source {
		return func(ctx context.Context, student string, maxAge time.Duration) (*keyframe.Frame, error) {
			if student != "ada/l" || maxAge != want {
				t.Errorf("asks for %q, %v", student, maxAge)
			}

			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 3*time.Second {
				t.Errorf("waits until %v", deadline)
			}

			return always(ctx, student, maxAge)
		}
	}
	tests := map[string]struct {
		query  string
		source source
		render error
		want   int
		code   wire.ErrorCode
		result string
	}{
		"picture":     {source: aged(2 * time.Second), want: 200, result: "Picture"},
		"any":         {query: "?maxAgeMs=60000", source: aged(time.Minute), want: 200, result: "Picture"},
		"new":         {query: "?maxAgeMs=0", source: aged(0), want: 200, result: "Picture"},
		"too old":     {query: "?maxAgeMs=60001", source: always, want: 400, code: wire.CodeBadRequest, result: "Refused"},
		"negative":    {query: "?maxAgeMs=-1", source: always, want: 400, code: wire.CodeBadRequest, result: "Refused"},
		"no number":   {query: "?maxAgeMs=x", source: always, want: 400, code: wire.CodeBadRequest, result: "Refused"},
		"not here":    {source: fails(session.ErrNotFound), want: 404, code: wire.CodeNotFound, result: "NotFound"},
		"client gone": {source: fails(context.Canceled), want: 503, code: wire.CodeNotReady, result: "GivenUp"},
		"corrupt": {
			source: always,
			render: keyframe.ErrCorrupt,
			want:   502,
			code:   wire.CodeUnsupportedMedia,
			result: "Corrupt",
		},
		"bug":          {source: always, render: errors.New("bug"), want: 500, code: wire.CodeInternal, result: "Internal"},
		"source's bug": {source: fails(errors.New("bug")), want: 500, code: wire.CodeInternal, result: "Internal"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, tc.source, renders(tc.render))

			w := d.get(t.Context(), "ada%2Fl/keyframe"+tc.query)
			if w.Code != tc.want || code(w) != tc.code {
				t.Errorf("%d %s", w.Code, w.Body)
			}

			if tc.want == http.StatusOK {
				for name, want := range map[string]string{
					"Content-Type": "image/jpeg", "Cache-Control": "no-store", "X-Invigil-Captured-At": "5",
					"X-Invigil-Width": "3", "X-Invigil-Height": "2", "Content-Length": "4",
				} {
					if got := w.Header().Get(name); got != want {
						t.Errorf("%s: %q", name, got)
					}
				}
			}

			d.counted(t, tc.result, 1)
		})
	}
}

// counted checks that there were so many requests with the result.
func (d *door) counted(t *testing.T, result string, times int) {
	t.Helper()

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(d)

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetValue() == result && int(metric.GetCounter().GetValue()) == times {
					return
				}
			}
		}
	}

	t.Errorf("not %d times %s: %v", times, result, families)
}

// TestBound: two pictures are made at a time, a bounded number of requests
// waits, and those over it are told at once.
func TestBound(t *testing.T) {
	const over = 5

	var running, most atomic.Int32

	started, proceed := make(chan struct{}, decoders+queue), make(chan struct{})
	d := newDoor(t, always, func(*keyframe.Frame) (*picture.Picture, error) {
		now := running.Add(1)
		defer running.Add(-1)

		for {
			before := most.Load()
			if now <= before || most.CompareAndSwap(before, now) {
				break
			}
		}

		started <- struct{}{}
		<-proceed

		return &picture.Picture{JPEG: []byte("jpeg")}, nil
	})

	var requests sync.WaitGroup

	answers := make(chan *httptest.ResponseRecorder, decoders+queue+over)
	leaving, leave := context.WithCancel(t.Context())

	defer leave()

	for i := range decoders + queue + over {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = leaving
		}

		requests.Go(func() { answers <- d.get(ctx, "ada/keyframe") })
	}

	for range over {
		if w := <-answers; w.Code != http.StatusServiceUnavailable || code(w) != wire.CodeRateLimited ||
			w.Header().Get("Retry-After") == "" {
			t.Errorf("over the bound: %d %s", w.Code, w.Body)
		}
	}

	for range decoders {
		<-started
	}

	// Clients that leave while they wait free their places at once: all that have
	// not been told and do not decode.
	leave()

	for range (decoders+queue+over+1)/2 - over - decoders {
		if w := <-answers; w.Code != http.StatusServiceUnavailable || code(w) != wire.CodeNotReady {
			t.Errorf("of a client that left: %d %s", w.Code, w.Body)
		}
	}

	close(proceed)
	requests.Wait()
	close(answers)

	made := 0

	for w := range answers {
		if w.Code == http.StatusOK {
			made++
		}
	}

	if got := most.Load(); got != decoders {
		t.Errorf("%d pictures at a time", got)
	}

	if made < (decoders+queue+over)/2-over {
		t.Errorf("%d pictures", made)
	}

	d.counted(t, "Busy", over)
}
