package store

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errTrip = errors.New("no answer")

// trips is a Redis that takes as long as it is told, and notes what it gets.
type trips struct {
	takes time.Duration
	fails error

	mu    sync.Mutex
	sizes []int
}

func (s *trips) send(_ context.Context, reports []Report) []result {
	s.mu.Lock()
	s.sizes = append(s.sizes, len(reports))
	s.mu.Unlock()

	time.Sleep(s.takes) //nolint:forbidigo // virtual time: what Redis takes

	results := make([]result, len(reports))
	for i, report := range reports {
		results[i] = result{outcome: Outcome{Record: Record{Student: report.Student}}, err: s.fails}
	}

	return results
}

// ask sends reports at the same time, checks that each gets its own answer, and
// returns how long the slowest took.
func ask(t *testing.T, b *batcher, count int, want error) time.Duration {
	t.Helper()

	var group sync.WaitGroup

	began := time.Now()

	for i := range count {
		group.Go(func() {
			student := strconv.Itoa(i)

			got, err := b.do(t.Context(), Report{Student: student})
			if !errors.Is(err, want) || got.Record.Student != student {
				t.Errorf("report %s got %+v, %v", student, got, err)
			}
		})
	}

	group.Wait()

	return time.Since(began)
}

// virtually runs test in virtual time, and lets what lingers end.
func virtually(t *testing.T, test func(t *testing.T)) {
	t.Helper()

	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(2 * lingering) //nolint:forbidigo // virtual time
	})
}

func TestBatchAtRestGoesAtOnce(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: time.Millisecond}
		b := newBatcher(s.send)

		for range 3 {
			if took := ask(t, b, 1, nil); took != s.takes {
				t.Errorf("a report alone took %s", took)
			}

			time.Sleep(batchInterval) //nolint:forbidigo // virtual time: a silence
		}
	})
}

func TestBatchGathersWhatComesMeanwhile(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: 20 * time.Millisecond}
		b := newBatcher(s.send)

		var group sync.WaitGroup

		group.Go(func() { ask(t, b, 1, nil) })
		synctest.Wait()

		// Behind the first: one round trip for 256, and another for the rest.
		if took := ask(t, b, 300, nil); took != 3*s.takes {
			t.Errorf("took %s", took)
		}

		group.Wait()

		if want := []int{1, 256, 44}; len(s.sizes) != 3 || s.sizes[1] != want[1] || s.sizes[2] != want[2] {
			t.Errorf("round trips of %v, want %v", s.sizes, want)
		}
	})
}

func TestBatchIsPaced(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: 100 * time.Microsecond}
		b := newBatcher(s.send)

		var group sync.WaitGroup

		for i := range 400 { // 4,000 a second, for a tenth of one
			group.Go(func() {
				if _, err := b.do(t.Context(), Report{Student: strconv.Itoa(i)}); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(250 * time.Microsecond) //nolint:forbidigo // virtual time: the load
		}

		group.Wait()

		if len(s.sizes) > 25 {
			t.Errorf("%d round trips for 400 reports", len(s.sizes))
		}
	})
}

func TestBatchDoesNotSlowOneSession(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: 100 * time.Microsecond}
		b := newBatcher(s.send)
		began := time.Now()

		for range 60 {
			if _, err := b.do(t.Context(), Report{Student: "s1"}); err != nil {
				t.Error(err)
			}
		}

		if took := time.Since(began); took != 60*s.takes {
			t.Errorf("60 reports took %s", took)
		}
	})
}

func TestBatchFailsTogether(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: time.Second, fails: errTrip}
		b := newBatcher(s.send)

		var group sync.WaitGroup

		group.Go(func() { _, _ = b.do(t.Context(), Report{}) })
		synctest.Wait()

		for range 100 {
			group.Go(func() {
				began := time.Now()
				if _, err := b.do(t.Context(), Report{}); !errors.Is(err, errTrip) || time.Since(began) > s.takes {
					t.Errorf("%v after %s", err, time.Since(began))
				}
			})
		}

		group.Wait()

		if len(s.sizes) != 1 {
			t.Errorf("round trips of %v", s.sizes)
		}
	})
}

func TestBatchIsBounded(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: time.Second, fails: errTrip}
		b := newBatcher(s.send)

		var group sync.WaitGroup

		for range maxWaiting + 1 {
			group.Go(func() { _, _ = b.do(t.Context(), Report{}) })
			synctest.Wait()
		}

		if _, err := b.do(t.Context(), Report{}); !errors.Is(err, ErrBusy) {
			t.Errorf("one too many got %v", err)
		}

		group.Wait()
	})
}

func TestBatchLeavesOutWhoHasLeft(t *testing.T) {
	virtually(t, func(t *testing.T) {
		s := &trips{takes: time.Second}
		b := newBatcher(s.send)
		ctx, cancel := context.WithCancel(t.Context())

		var group sync.WaitGroup

		group.Go(func() { _, _ = b.do(t.Context(), Report{}) })
		synctest.Wait()
		group.Go(func() {
			if _, err := b.do(ctx, Report{}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		group.Wait()

		if len(s.sizes) != 1 {
			t.Errorf("round trips of %v", s.sizes)
		}
	})
}
