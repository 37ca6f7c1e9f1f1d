package session

import (
	"context"
	"fmt"
	"time"
)

// Drain takes nobody any more, and ends those who have not left by the deadline.
// Called again, the earlier deadline holds. It returns how many are left now;
// Emptied waits for them.
func (t *Table) Drain(deadline time.Time) (left int) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if !t.draining || deadline.Before(t.drainBy) {
		t.drainBy = deadline
	}

	if !t.draining {
		t.draining = true
		t.bumpLocked()
	}

	return len(t.byID)
}

// Draining is whether Drain was called.
func (t *Table) Draining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.draining
}

// EndOverdue ends who should have left by now.
func (t *Table) EndOverdue(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.draining && !now.Before(t.drainBy) {
		for _, s := range t.byID {
			t.endLocked(s, Drained)
		}
	}
}

// Emptied returns once a drained table has no session any more, or ctx ends.
func (t *Table) Emptied(ctx context.Context) error {
	for {
		t.mu.Lock()

		var left *session
		for _, s := range t.byID {
			left = s

			break
		}
		t.mu.Unlock()

		if left == nil {
			return nil
		}

		select {
		case <-left.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for the last sessions: %w", context.Cause(ctx))
		}
	}
}

// Shutdown takes nobody any more, ends all sessions, and returns once they are
// gone or ctx ends.
func (t *Table) Shutdown(ctx context.Context) error {
	t.Drain(time.Time{})

	t.mu.Lock()
	for _, s := range t.byID {
		t.endLocked(s, Shutdown)
	}
	t.mu.Unlock()

	return t.Emptied(ctx)
}
