package session

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// Since returns what changed after cursor. A cursor that is not from this
// tracker, or none, gives every session: numbers of another process mean
// nothing here.
func (t *Tracker) Since(cursor string) wire.Sessions {
	t.mu.Lock()
	defer t.mu.Unlock()

	after, known := t.parse(cursor)
	answer := wire.Sessions{
		Cursor:         t.epoch + "-" + strconv.FormatUint(t.counter, 10),
		Full:           !known,
		StoreAvailable: t.stored,
		Sessions:       []wire.Session{},
		Shards:         slices.Clone(t.shards),
		Evidence:       t.evidence,
	}

	if answer.Shards == nil {
		answer.Shards = []wire.ShardHealth{}
	}

	for _, e := range t.sessions {
		if !known || e.change > after {
			answer.Sessions = append(answer.Sessions, e.view())
		}
	}

	slices.SortFunc(answer.Sessions, func(a, b wire.Session) int { return strings.Compare(a.Student, b.Student) })

	return answer
}

// Wait returns what changed after cursor as soon as there is something, or
// after the given time.
func (t *Tracker) Wait(ctx context.Context, cursor string, limit time.Duration) wire.Sessions {
	timer := time.NewTimer(limit)
	defer timer.Stop()

	for {
		t.mu.Lock()
		after, known := t.parse(cursor)
		news := !known || t.counter > after

		if t.woken == nil {
			t.woken = make(chan struct{})
		}

		woken := t.woken
		t.mu.Unlock()

		if news {
			return t.Since(cursor)
		}

		select {
		case <-woken:
		case <-timer.C:
			return t.Since(cursor)
		case <-ctx.Done():
			return t.Since(cursor)
		}
	}
}

// parse needs the lock.
func (t *Tracker) parse(cursor string) (after uint64, known bool) {
	epoch, number, _ := strings.Cut(cursor, "-")
	if epoch != t.epoch {
		return 0, false
	}

	after, err := strconv.ParseUint(number, 10, 64)

	return after, err == nil && after <= t.counter
}
