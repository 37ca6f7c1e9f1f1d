package frames_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/witness/frames"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The intervals have the mean, and the spread of an exponential distribution,
// which is as large.
func TestDueIsExponential(t *testing.T) {
	const mean, tick = time.Minute, time.Second

	random := rand.New(rand.NewPCG(1, 2))

	var sum, squares, count float64

	for since := time.Duration(0); count < 20_000; {
		since += tick
		if frames.Due(tick, mean, random.Float64()) {
			sum += since.Seconds()
			squares += since.Seconds() * since.Seconds()
			count++
			since = 0
		}
	}

	// A tick later, on average half of one.
	average := sum / count
	if deviation := math.Sqrt(squares/count - average*average); math.Abs(average-60.5) > 1.5 || math.Abs(deviation-60) > 2 {
		t.Errorf("intervals of %.1f s, spread by %.1f s", average, deviation)
	}

	if frames.Due(time.Hour, 0, 0) {
		t.Error("due, and nobody wants any")
	}
}

// bench is a taker whose pods answer when they may.
type bench struct {
	*frames.Taker

	allow chan struct{}
	mu    sync.Mutex
	told  []string
}

func start(t *testing.T, shard string, err error) *bench {
	t.Helper()

	b := &bench{allow: make(chan struct{})}
	b.Taker = frames.New(frames.Options{
		Shard: func(string) string { return shard },
		Fetch: func(ctx context.Context, _, _ string, _ int) (shards.KeyFrame, error) {
			select {
			case <-b.allow:
			case <-ctx.Done():
			}

			return shards.KeyFrame{JPEG: []byte("x")}, errors.Join(err, ctx.Err())
		},
		Done: func(request frames.Request, _ shards.KeyFrame, result string) {
			b.mu.Lock()
			defer b.mu.Unlock()

			b.told = append(b.told, request.ID+" "+result)
		},
		Registerer: prometheus.NewRegistry(),
	})

	return b
}

func (b *bench) results() []string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return append([]string(nil), b.told...)
}

func TestResults(t *testing.T) {
	tests := map[string]struct {
		shard string
		err   error
		want  string
	}{
		"taken":        {"sfu-0", nil, "taken"},
		"not received": {"", nil, "NotReceived"},
		"no key frame": {"sfu-0", &shards.NoKeyFrameError{Code: wire.CodeKeyFrameTimeout}, "KeyFrameTimeout"},
		"pods cannot invent results": {
			"sfu-0", &shards.NoKeyFrameError{Code: "Whatever"}, "Internal",
		},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := start(t, tc.shard, tc.err)
			close(b.allow)
			b.Ask(frames.Request{ID: "a"})

			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})

			go func() {
				defer close(done)

				b.Run(ctx)
			}()

			ticker := time.NewTicker(time.Millisecond)
			defer ticker.Stop()

			for !b.Idle() {
				<-ticker.C
			}

			cancel()
			<-done

			if got := b.results(); len(got) != 1 || got[0] != "a "+tc.want {
				t.Errorf("told %q", got)
			}
		})
	}
}

// A pod that hangs makes nobody wait: what is too much is refused, and the end
// tells everybody.
func TestNobodyWaits(t *testing.T) {
	b := start(t, "sfu-0", nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		defer close(done)

		b.Run(ctx)
	}()

	asked := 0
	for b.Ask(frames.Request{ID: "a", Reason: frames.Violation}) && asked < 10_000 {
		asked++
	}

	if asked == 10_000 || b.Idle() {
		t.Errorf("%d requests wait", asked)
	}

	if !b.Ask(frames.Request{ID: "r", Reason: frames.Random}) {
		t.Error("violations leave no room for random pictures")
	}

	cancel()
	<-done

	// In which order is nobody's business: none is taken any more.
	told := map[string]int{}
	for _, result := range b.results() {
		told[result]++
	}

	if want := map[string]int{"a Shutdown": asked, "r Shutdown": 1}; !maps.Equal(told, want) || !b.Idle() {
		t.Errorf("told %v, want %v; idle: %v", told, want, b.Idle())
	}
}
