package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"
)

// maxRounds is how often the journal is written back while it is added to.
const maxRounds = 8

// Run watches remote until ctx ends: it notices that remote is away without
// waiting for a student to, and writes back what was accepted once it returns.
func (f *Failover) Run(ctx context.Context) {
	var reported string

	for {
		interval := checkInterval

		if err := f.Connect(ctx); err != nil {
			interval = retryInterval

			if err.Error() != reported && ctx.Err() == nil {
				reported = err.Error()
				f.log.Warn("store cannot be reached", zap.Error(err))
			}
		} else {
			reported = ""
		}

		timer := time.NewTimer(interval)

		select {
		case <-ctx.Done():
			timer.Stop()

			return
		case <-timer.C:
		}
	}
}

// Connect checks remote once, and recovers if it has returned.
func (f *Failover) Connect(ctx context.Context) error {
	f.told.Do(func() {
		if len(f.left) > 0 {
			f.restored(f.left)
		}
	})

	if use := f.current(); use != nil {
		_, err := call(f, use, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, f.remote.Check(ctx)
		})
		if err == nil || ctx.Err() != nil {
			return nil
		}

		f.mu.Lock()
		f.lost(use, err)
		f.mu.Unlock()
	}

	ctx, cancel := context.WithTimeout(ctx, recoverTimeout)
	defer cancel()

	return f.recover(ctx)
}

// recover brings remote to where memory is, then memory to where remote is.
// The order matters: the journal first, since its operations are exact (a report
// counts once whatever happens); then the merger of the records, which gives
// back what remote lost itself and brings what it alone knew.
func (f *Failover) recover(ctx context.Context) error {
	// Without this the journal would be taken apart at every try.
	if err := f.remote.Check(ctx); err != nil && !errors.Is(err, ErrForgot) {
		return err
	}

	if err := f.writeBack(ctx); err != nil {
		return err
	}

	all := f.local.all(true)
	listed := make(map[string]bool, len(all))

	for _, record := range all {
		listed[record.Student] = true
	}

	// Of the others remote only tells.
	for _, student := range slices.Concat(f.students(), f.local.provisional()) {
		if !listed[student] {
			listed[student] = true
			all = append(all, Record{Student: student})
		}
	}

	merged, err := f.remote.Sync(ctx, all, f.expireAt())
	if err != nil {
		return err
	}

	if err := f.remote.Mark(ctx, f.expireAt()); err != nil {
		return err
	}

	f.restored(f.learn(merged))

	// Reports went on meanwhile. Writing back is faster than they come, so only
	// a few are left soon; those are written back while nothing else moves. On a
	// machine where it is not faster, reports wait sooner.
	for round := 0; ; round++ {
		f.mu.Lock()

		if f.journal.len() <= maxBatch || round == maxRounds {
			err := f.resume(ctx, len(all))
			f.mu.Unlock()

			return err
		}

		f.mu.Unlock()

		if err := f.writeBack(ctx); err != nil {
			return err
		}
	}
}

// learn takes what remote holds, and returns what there is of it. A student
// whose record is provisional stays so for as long as reports of theirs may be in
// the journal.
func (f *Failover) learn(records []Record) []Record {
	f.mu.Lock()
	defer f.mu.Unlock()

	provisional := map[string]bool{}
	for _, student := range f.local.provisional() {
		provisional[student] = true
	}

	learned := make([]Record, 0, len(records))

	for _, record := range records {
		if !provisional[record.Student] {
			record = f.local.base(record)[0]
		}

		if !record.Empty() {
			learned = append(learned, record)
		}
	}

	return learned
}

// resume writes back the last of the journal and puts remote to use. It needs
// the lock: a report that went to remote before an earlier one of its session
// would make that one a repeat.
func (f *Failover) resume(ctx context.Context, records int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	entries := f.journal.take()
	done, err := f.replay(ctx, entries)
	f.journal.putBack(entries[done:])
	f.metrics.Journal.Set(float64(f.journal.len()))

	if err != nil {
		return err
	}

	// Remote knows better, and says so with the student's next report.
	for _, student := range f.local.provisional() {
		f.local.forget(student)
	}

	if f.disk != nil {
		f.disk.forget()
	}

	f.use = newUse()
	f.metrics.StoreAvailable.Set(1)
	f.log.Info("store is in use", zap.Int("records", records))
	f.changed(true)

	return nil
}

// writeBack empties the journal into remote. An operation whose answer is lost
// stays in it: doing it again changes nothing.
func (f *Failover) writeBack(ctx context.Context) error {
	f.mu.Lock()
	entries := f.journal.take()
	f.mu.Unlock()

	done, err := f.replay(ctx, entries)

	f.mu.Lock()
	f.journal.putBack(entries[done:])
	f.metrics.Journal.Set(float64(f.journal.len()))
	f.mu.Unlock()

	if done > 0 {
		f.log.Info("journal is written back", zap.Int("operations", done))
	}

	return err
}

// replay does entries again in remote, and returns how many of them are done.
func (f *Failover) replay(ctx context.Context, entries []entry) (done int, err error) {
	for done < len(entries) {
		if entries[done].report == nil {
			if err := f.replayOther(ctx, entries[done]); err != nil {
				return done, err
			}

			done++

			continue
		}

		reports := make([]Report, 0, maxBatch)
		for _, e := range entries[done:min(done+maxBatch, len(entries))] {
			if e.report == nil {
				break
			}

			reports = append(reports, *e.report)
		}

		outcomes, err := f.replayReports(ctx, reports)
		done += outcomes

		if err != nil {
			return done, err
		}
	}

	return done, nil
}

func (f *Failover) replayReports(ctx context.Context, reports []Report) (done int, err error) {
	outcomes, err := f.remote.Reports(ctx, reports)

	for i, outcome := range outcomes {
		if outcome.Status == Unknown {
			if _, err := f.reportRemotely(ctx, reports[i]); err != nil {
				return i, err
			}
		}
	}

	return len(outcomes), err
}

func (f *Failover) replayOther(ctx context.Context, e entry) error {
	if e.join != nil {
		_, err := f.remote.Join(ctx, *e.join)

		return err
	}

	_, err := f.remote.Sync(ctx, []Record{*e.record}, f.expireAt())

	return err
}
