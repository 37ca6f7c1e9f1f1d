package evidence

import (
	"context"
	"math/rand/v2"
	"time"
)

// work writes ready lanes until the writer is over.
func (w *Writer) work() {
	for {
		next := w.take()
		if next == nil {
			return
		}

		w.mu.Lock()
		first, again := next.items[0], next.failures > 0
		w.mu.Unlock()

		ctx, cancel := context.WithTimeout(w.ctx, w.options.Timeout)
		appended, err := w.log.Append(ctx, first.entry)

		cancel()

		if err != nil && !Permanent(err) {
			w.metrics.retried.Inc()
			w.pause(next)

			continue
		}

		// After a failure, "repeated" can be our own attempt whose answer was lost.
		appended.Repeated = appended.Repeated && !again
		w.metrics.count(first.entry.Kind(), appended, err)

		if err != nil {
			w.options.Failed(first.entry, err)
		}

		if first.done != nil {
			first.done <- outcome{appended, err}
		}

		w.finish(next, &first.entry)
	}
}

// take waits for a ready lane; nil when it is over.
func (w *Writer) take() *lane {
	w.mu.Lock()
	defer w.mu.Unlock()

	for len(w.ready) == 0 && !w.over {
		w.wake.Wait()
	}

	if w.over {
		return nil
	}

	next := w.ready[0]
	w.ready = w.ready[1:]

	return next
}

// offer makes a lane ready. The caller has the lock.
func (w *Writer) offer(l *lane) {
	w.ready = append(w.ready, l)
	w.wake.Signal()
}

// pause makes a lane ready again after its back-off. The jitter keeps the
// students apart when the bucket returns.
func (w *Writer) pause(l *lane) {
	w.mu.Lock()
	defer w.mu.Unlock()

	wait := min(w.options.Backoff<<min(l.failures, 16), w.options.BackoffMax)
	l.failures++

	time.AfterFunc(wait/2+rand.N(wait/2+1), func() {
		w.mu.Lock()
		defer w.mu.Unlock()

		w.offer(l)
	})
}

// finish removes a lane's first item, which is done.
func (w *Writer) finish(l *lane, entry *Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()

	l.items[0] = item{} // Its pictures can go.
	l.items = l.items[1:]
	l.failures = 0
	w.entries--
	w.bytes -= entry.size()
	w.metrics.backlog(w.entries, w.bytes)

	if len(l.items) > 0 {
		w.offer(l)
	} else {
		delete(w.lanes, entry.Student)
	}

	w.checkDrained()
}

// checkDrained tells Close that nothing waits. The caller has the lock.
func (w *Writer) checkDrained() {
	if !w.closing || w.entries > 0 {
		return
	}

	select {
	case <-w.drained:
	default:
		close(w.drained)
	}
}
