package store

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

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
	if f.Available() {
		_, err := call(ctx, f, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, f.remote.Check(ctx)
		})
		if err == nil || ctx.Err() != nil {
			return nil
		}

		f.mu.Lock()
		f.lost(err)
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
	if err := f.replay(ctx); err != nil {
		return err
	}

	records := f.local.all()
	for _, student := range f.students() {
		if _, known := records[student]; !known {
			records[student] = Record{Student: student}
		}
	}

	all := make([]Record, 0, len(records))
	for _, record := range records {
		all = append(all, record)
	}

	merged, err := f.remote.Sync(ctx, all, f.expireAt())
	if err != nil {
		return err
	}

	if err := f.remote.Mark(ctx, f.expireAt()); err != nil {
		return err
	}

	merged, _ = f.local.Sync(ctx, merged, 0)
	merged = slices.DeleteFunc(merged, func(r Record) bool { return r.Generation == 0 })
	f.restored(merged)

	// Reports went on meanwhile. They are few: this ends.
	for {
		f.mu.Lock()

		if f.journal.len() == 0 {
			f.available = true
			f.metrics.StoreAvailable.Set(1)
			f.log.Info("store is in use", zap.Int("records", len(merged)))
			f.changed(true)
			f.mu.Unlock()

			return nil
		}

		f.mu.Unlock()

		if err := f.replay(ctx); err != nil {
			return err
		}
	}
}

// replay writes the journal back. An operation whose answer is lost stays in
// it: doing it again changes nothing.
func (f *Failover) replay(ctx context.Context) error {
	f.mu.Lock()
	entries := f.journal.take()
	f.mu.Unlock()

	for i, e := range entries {
		if err := f.replayOne(ctx, e); err != nil {
			f.mu.Lock()
			f.journal.putBack(entries[i:])
			f.mu.Unlock()

			return err
		}
	}

	f.mu.Lock()
	f.metrics.Journal.Set(float64(f.journal.len()))
	f.mu.Unlock()

	if len(entries) > 0 {
		f.log.Info("journal is written back", zap.Int("operations", len(entries)))
	}

	return nil
}

func (f *Failover) replayOne(ctx context.Context, e entry) error {
	if e.join != nil {
		join := *e.join
		_, err := f.remote.Join(ctx, join)

		return err
	}

	_, err := f.reportRemotely(ctx, *e.report)

	return err
}
