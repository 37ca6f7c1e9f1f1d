// Package frames takes pictures of students at the SFU pods, a bounded number at
// a time, and never makes anybody wait: whoever asks is told later.
package frames

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/shards"
)

const (
	// workers are how many pods are asked at once. A pod makes two pictures at a
	// time and lets 64 requests wait.
	workers = 16
	// waiting is how many requests may wait, of each kind.
	waiting = 2048
	// timeout of one attempt: a pod waits 3 s for the student.
	timeout = 6 * time.Second
	// pause before the second attempt, which is the last.
	pause = time.Second
	// maxAgeMs is how old a picture may be: what a sign was seen in is as old.
	maxAgeMs = 2000
)

// ErrNotReceived means that no pod receives the student.
var ErrNotReceived = errors.New("no pod receives the student")

// Reason is why a picture is taken.
type Reason string

// The reasons. They are the metric's label, and stand in records.
const (
	Violation Reason = "violation"
	Random    Reason = "random"
)

// Request of a picture.
type Request struct {
	Student string
	// ID and Of are the caller's.
	ID, Of string
	// At is when it was asked for, in milliseconds since 1970.
	At     int64
	Reason Reason
}

// Options of a Taker.
type Options struct {
	// Shard is the pod that receives a student; "" if none does.
	Shard func(student string) string
	// Fetch asks a pod.
	Fetch func(ctx context.Context, shard, student string, maxAgeMs int) (shards.KeyFrame, error)
	// Done is told the outcome of each request. result is "taken", or why there is
	// no picture.
	Done       func(request Request, frame shards.KeyFrame, result string)
	Registerer prometheus.Registerer
}

// Taken is the result of a request that brought a picture.
const Taken = "taken"

// Taker takes pictures.
type Taker struct {
	options Options
	metric  *prometheus.CounterVec
	// grave go first.
	grave, random chan Request
	// open are the requests whose outcome is not told.
	open atomic.Int64
}

// New returns a taker; Run makes it work.
func New(options Options) *Taker {
	t := &Taker{
		options: options, grave: make(chan Request, waiting), random: make(chan Request, waiting),
		metric: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "invigil", Subsystem: "scoring_evidence", Name: "key_frames_total",
			Help: "Key frames asked of SFU pods, by why and what came of it.",
		}, []string{"reason", "result"}),
	}
	options.Registerer.MustRegister(t.metric)

	return t
}

// Ask takes a request and returns at once; taken is whether it did. If not, too
// many wait, Done is not told, and it is counted as "refused".
func (t *Taker) Ask(request Request) (taken bool) {
	queue := t.random
	if request.Reason == Violation {
		queue = t.grave
	}

	t.open.Add(1)

	select {
	case queue <- request:
		return true
	default:
		t.open.Add(-1)
		t.metric.WithLabelValues(string(request.Reason), "refused").Inc()

		return false
	}
}

// Idle is whether every request's outcome was told.
func (t *Taker) Idle() bool { return t.open.Load() == 0 }

// Run takes pictures until ctx ends. Requests that wait then are told so, with
// the result "Shutdown".
func (t *Taker) Run(ctx context.Context) {
	var group sync.WaitGroup

	for range workers {
		group.Go(func() { t.work(ctx) })
	}

	group.Wait()

	for {
		select {
		case request := <-t.grave:
			t.tell(request, shards.KeyFrame{}, "Shutdown")
		case request := <-t.random:
			t.tell(request, shards.KeyFrame{}, "Shutdown")
		default:
			return
		}
	}
}

func (t *Taker) work(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case request := <-t.grave:
			t.serve(ctx, request)

			continue
		default:
		}

		select {
		case <-ctx.Done():
		case request := <-t.grave:
			t.serve(ctx, request)
		case request := <-t.random:
			t.serve(ctx, request)
		}
	}
}

func (t *Taker) serve(ctx context.Context, request Request) {
	frame, err := t.fetch(ctx, request.Student)
	if err != nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			frame, err = t.fetch(ctx, request.Student)
		}
	}

	t.tell(request, frame, result(ctx, err))
}

func (t *Taker) fetch(ctx context.Context, student string) (shards.KeyFrame, error) {
	shard := t.options.Shard(student) // The student may have moved since.
	if shard == "" {
		return shards.KeyFrame{}, ErrNotReceived
	}

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	return t.options.Fetch(ctx, shard, student, maxAgeMs)
}

func (t *Taker) tell(request Request, frame shards.KeyFrame, result string) {
	t.metric.WithLabelValues(string(request.Reason), result).Inc()
	t.options.Done(request, frame, result)
	t.open.Add(-1)
}

// result is an outcome's stable name: the metric has it as a label.
func result(ctx context.Context, err error) string {
	none := (*shards.NoKeyFrameError)(nil)

	switch {
	case err == nil:
		return Taken
	case ctx.Err() != nil:
		return "Shutdown"
	case errors.Is(err, ErrNotReceived):
		return "NotReceived"
	case errors.As(err, &none):
		return known(none.Code)
	default:
		return string(wire.CodeInternal)
	}
}

// known is code if a pod may say it of a key frame.
func known(code wire.ErrorCode) string {
	switch code {
	case wire.CodeNotFound, wire.CodeKeyFrameTimeout, wire.CodeUnsupportedMedia, wire.CodeRateLimited,
		wire.CodeShardUnreachable, wire.CodeTooLarge, wire.CodeNotJPEG, wire.CodeUnauthenticated, wire.CodeTokenExpired:
		return string(code)
	default:
		return string(wire.CodeInternal)
	}
}
