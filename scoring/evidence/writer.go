package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrFull means that the queue has no room: the entry was not taken.
	ErrFull = errors.New("evidence queue is full")
	// ErrClosed means that the writer is closing: the entry was not taken.
	ErrClosed = errors.New("evidence writer is closed")
)

// WriterOptions of a Writer. Zero values are the defaults.
type WriterOptions struct {
	// Entries and Bytes are what may wait. Defaults: 8192, and 64 MiB of pictures.
	Entries int
	Bytes   int64
	// Workers is how many students are written at once. Default: 8.
	Workers int
	// Timeout of one attempt. Default: 15 s.
	Timeout time.Duration
	// Backoff before the second attempt; it doubles up to BackoffMax. Defaults:
	// 200 ms, 15 s.
	Backoff    time.Duration
	BackoffMax time.Duration
	// Failed is told of entries that never will be on record, with an error that
	// is Permanent. It must not block.
	Failed func(Entry, error)
}

func (o *WriterOptions) fill() {
	fill(&o.Entries, 8192)
	fill(&o.Bytes, 64<<20)
	fill(&o.Workers, 8)
	fill(&o.Timeout, 15*time.Second)
	fill(&o.Backoff, 200*time.Millisecond)
	fill(&o.BackoffMax, 15*time.Second)

	if o.Failed == nil {
		o.Failed = func(Entry, error) {}
	}
}

func fill[T int | int64 | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// Writer is a bounded queue before a Log. A student's entries go in in the order
// in which they came; students do not wait for each other. While the bucket is
// away, entries wait and are tried again. It is a prometheus.Collector.
type Writer struct {
	log     *Log
	options WriterOptions
	metrics writerMetrics
	workers sync.WaitGroup

	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// wake tells workers of ready lanes, or that it is over.
	wake *sync.Cond
	// lanes are the students with waiting entries; ready those of them that no
	// worker has and that do not pause.
	lanes   map[string]*lane
	ready   []*lane
	entries int
	bytes   int64
	closing bool
	over    bool
	// drained is closed once nothing waits and nothing more will.
	drained chan struct{}
}

// lane is one student's queue. Its first item stays in it until it is done.
type lane struct {
	items    []item
	failures int
}

type item struct {
	entry Entry
	// done takes the outcome, if somebody waits for it.
	done chan outcome
}

type outcome struct {
	appended Appended
	err      error
}

// NewWriter starts a writer. It runs until Close.
func NewWriter(log *Log, options WriterOptions) *Writer {
	options.fill()

	w := &Writer{
		log: log, options: options, metrics: newWriterMetrics(),
		lanes: map[string]*lane{}, drained: make(chan struct{}),
	}
	w.wake = sync.NewCond(&w.mu)
	w.ctx, w.cancel = context.WithCancel(context.Background())

	for range options.Workers {
		w.workers.Go(w.work)
	}

	return w
}

// Enqueue takes the entry and returns at once; it is on record later, or Failed
// is told. The entry's pictures must not be changed any more. Errors: ErrInvalid,
// ErrFull, ErrClosed; the entry was then not taken.
func (w *Writer) Enqueue(entry Entry) error {
	return w.enqueue(item{entry: entry})
}

// Append takes the entry, behind the student's waiting ones, and returns once it
// is in the bucket. Errors: as Log.Append and Enqueue. When ctx ends first, the
// entry still waits and may be recorded later; asking again with the same id is
// harmless.
func (w *Writer) Append(ctx context.Context, entry Entry) (Appended, error) {
	done := make(chan outcome, 1)
	if err := w.enqueue(item{entry: entry, done: done}); err != nil {
		return Appended{}, err
	}

	select {
	case o := <-done:
		return o.appended, o.err
	case <-ctx.Done():
		return Appended{}, ctx.Err()
	}
}

// Waiting is whether an entry of the student is not in the bucket yet.
func (w *Writer) Waiting(student string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.lanes[student] != nil
}

func (w *Writer) enqueue(next item) error {
	if err := next.entry.check(); err != nil {
		return err
	}

	if next.entry.At == 0 { // When it happened, not when the bucket was back.
		next.entry.At = w.log.now()
	}

	w.mu.Lock()
	defer w.mu.Unlock()

	size := next.entry.size()

	switch {
	case w.closing:
		return ErrClosed
	case w.entries >= w.options.Entries || w.bytes+size > w.options.Bytes:
		w.metrics.refused.Inc()

		return ErrFull
	}

	w.entries++
	w.bytes += size
	w.metrics.backlog(w.entries, w.bytes)

	waiting := w.lanes[next.entry.Student]
	if waiting == nil {
		waiting = &lane{}
		w.lanes[next.entry.Student] = waiting
		w.offer(waiting)
	}

	waiting.items = append(waiting.items, next)

	return nil
}

// Close takes no more entries, writes those that wait, and returns when all are
// in the bucket or ctx ends. Error: how many were lost.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	if !w.closing {
		w.closing = true
		w.checkDrained()
	}
	w.mu.Unlock()

	var reason error

	select {
	case <-w.drained:
	case <-ctx.Done():
		reason = ctx.Err()
	}

	w.cancel()
	w.mu.Lock()
	w.over = true
	w.wake.Broadcast()
	w.mu.Unlock()
	w.workers.Wait()

	w.mu.Lock()
	defer w.mu.Unlock()

	if w.entries == 0 {
		return nil
	}

	return fmt.Errorf("evidence: %d entries are not on record: %w", w.entries, reason)
}
