package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxBatch bounds one round trip: Redis answers nobody else meanwhile, and
	// takes about 10 us for a report.
	maxBatch = 256
	// maxWaiting bounds the reports that wait for their round trip. It is a
	// report of everybody in the largest exam, and more than waits in the time
	// that the one in flight may take.
	maxWaiting = 16_384
	// batchInterval is the least time between the starts of two round trips. A
	// report after a longer silence goes out at once; under load each waits half
	// of it, and a round trip carries many.
	batchInterval = 8 * time.Millisecond
	// tripTimeout is how long reports wait for Redis before memory takes over:
	// students and invigilators wait for this long once. A round trip takes some
	// milliseconds when 4,000 reports come a second (make bench-scoring).
	tripTimeout = 150 * time.Millisecond
	// lingering is how long the goroutine that makes round trips stays when nobody
	// waits: a new one would have to grow its stack again.
	lingering = 100 * time.Millisecond
)

// ErrBusy means that too many reports wait for Redis already.
var ErrBusy = errors.New("too many reports wait for redis")

type result struct {
	outcome Outcome
	err     error
}

// waiting is one report, and whoever waits for what becomes of it.
type waiting struct {
	//nolint:containedctx // whether anybody still waits
	ctx    context.Context
	report Report
	result chan result
}

// batcher puts the reports that come while a round trip is under way, or has
// just begun, into the next one. There is one at a time, so a report that waits
// behind one that fails fails with it: nobody pays for two time-outs.
type batcher struct {
	send func(ctx context.Context, reports []Report) []result

	mu   sync.Mutex
	next []waiting
	// busy is whether run takes care of next.
	busy bool
	// left is when the last round trip began, lone the student whom all of it was
	// of; "" if it was of several.
	left time.Time
	lone string
	// full wakes run before its time, more when it lingers.
	full, more chan struct{}
	lingers    bool
}

func newBatcher(send func(ctx context.Context, reports []Report) []result) *batcher {
	return &batcher{send: send, full: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

// do takes part in a round trip. Errors: that of the report or of the whole
// round trip, ErrBusy, and that of ctx; whether the report was taken is open then.
func (b *batcher) do(ctx context.Context, report Report) (Outcome, error) {
	w := waiting{ctx: ctx, report: report, result: make(chan result, 1)}

	b.mu.Lock()

	if len(b.next) >= maxWaiting {
		b.mu.Unlock()

		return Outcome{}, ErrBusy
	}

	b.next = append(b.next, w)
	start, more := !b.busy, b.lingers
	b.busy, b.lingers = true, false
	full := len(b.next) == maxBatch
	b.mu.Unlock()

	if more {
		b.more <- struct{}{}
	}

	if start {
		//nolint:contextcheck // the round trip is not this report's alone
		go b.run()
	}

	if full {
		select {
		case b.full <- struct{}{}:
		default:
		}
	}

	select {
	case got := <-w.result:
		return got.outcome, got.err
	case <-ctx.Done():
		return Outcome{}, context.Cause(ctx)
	}
}

// run makes round trips until nobody has waited for a while.
func (b *batcher) run() {
	silence := time.NewTimer(lingering)
	defer silence.Stop()

	for {
		b.pace()

		batch := b.take()
		if batch == nil {
			silence.Reset(lingering)

			select {
			case <-b.more:
				continue
			case <-silence.C:
			}

			if b.leave() {
				return
			}

			<-b.more

			continue
		}

		if err := b.trip(batch); err != nil {
			b.fail(err)
		}
	}
}

// pace waits until the next round trip may begin. It does not for a session that
// alone is heard of: nobody would join one that sends what it has gathered, each
// when the one before is acknowledged.
func (b *batcher) pace() {
	b.mu.Lock()
	left, count, alone := time.Until(b.left.Add(batchInterval)), len(b.next), b.lone != "" && lone(b.next) == b.lone
	b.mu.Unlock()

	if left <= 0 || count == 0 || count >= maxBatch || alone {
		return
	}

	timer := time.NewTimer(left)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-b.full:
	}
}

// leave is whether run may end: nobody has come at the last moment.
func (b *batcher) leave() bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	left := b.lingers
	if left {
		b.busy, b.lingers = false, false
	}

	return left
}

// take returns the next batch, without those whom nobody waits for any more;
// nil if there is none, and then run lingers.
func (b *batcher) take() []waiting {
	b.mu.Lock()
	defer b.mu.Unlock()

	for len(b.next) > 0 {
		count := min(len(b.next), maxBatch)
		batch := make([]waiting, 0, count)

		for _, w := range b.next[:count] {
			if w.ctx.Err() == nil {
				batch = append(batch, w)
			}
		}

		b.next = b.next[count:]

		if len(batch) > 0 {
			b.left, b.lone = time.Now(), lone(batch)

			return batch
		}
	}

	b.next, b.lingers = nil, true

	return nil
}

// trip makes one round trip. It fails if nothing of it was answered.
func (b *batcher) trip(batch []waiting) error {
	ctx, cancel := context.WithTimeout(context.Background(), tripTimeout)
	defer cancel()

	reports := make([]Report, len(batch))
	for i := range batch {
		reports[i] = batch[i].report
	}

	var (
		failure  error
		answered bool
	)

	for i, got := range b.send(ctx, reports) {
		batch[i].result <- got

		failure = got.err
		answered = answered || got.err == nil
	}

	if answered {
		return nil
	}

	return failure
}

// fail answers everybody who waits.
func (b *batcher) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	for _, w := range b.next {
		w.result <- result{err: err}
	}

	b.next = nil
}

// lone is the student whom all reports are of; "" if they are of several.
func lone(batch []waiting) string {
	student := ""

	for i, w := range batch {
		if i > 0 && w.report.Student != student {
			return ""
		}

		student = w.report.Student
	}

	return student
}
