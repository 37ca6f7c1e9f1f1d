package store

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/tracing"
)

// use is a time in which remote is in use. Its context ends with it: when one
// call has found out that remote is away, nobody else needs to wait for that.
type use struct {
	ctx context.Context //nolint:containedctx // the life of a use
	end context.CancelCauseFunc
}

func newUse() *use {
	ctx, end := context.WithCancelCause(context.Background())

	return &use{ctx: ctx, end: end}
}

// current is nil while remote is away.
func (f *Failover) current() *use {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.use
}

// lost notes that a call in use has failed; another use is left alone. It needs
// the lock.
func (f *Failover) lost(use *use, failure error) {
	if failure == nil || use == nil || f.use != use {
		return
	}

	use.end(fmt.Errorf("the store went away: %w", failure))

	f.use = nil
	f.metrics.StoreAvailable.Set(0)
	f.log.Warn("store is away, scoring goes on from memory", zap.Error(failure))

	if f.disk != nil {
		f.disk.append(f.records()...)
	}

	f.changed(false)
}

// records are the lines of what the journal's operations start from.
func (f *Failover) records() []line {
	var (
		all      = f.local.all(true)
		lines    = make([]line, 0, len(all))
		expireAt = f.expireAt()
	)

	for _, record := range all {
		lines = append(lines, line{Base: &record, ExpireAt: expireAt})
	}

	return lines
}

// content is what the journal's file has to say.
func (f *Failover) content() []line {
	f.mu.Lock()
	lines, entries := f.records(), f.journal.all()
	f.mu.Unlock()

	for _, e := range entries {
		lines = append(lines, f.lineOf(e))
	}

	return lines
}

func (f *Failover) lineOf(e entry) line {
	switch {
	case e.join != nil:
		return line{Join: e.join, ExpireAt: e.join.ExpireAt}
	case e.report != nil:
		return line{Report: e.report, ExpireAt: e.report.ExpireAt}
	default:
		return line{Record: e.record, ExpireAt: f.expireAt()}
	}
}

// append returns what is closed once the entry is stored. It needs the lock.
func (f *Failover) append(e entry, student string) <-chan struct{} {
	l := f.lineOf(e)

	if !f.journal.append(e) {
		f.metrics.JournalDropped.Inc()

		record := f.local.base(f.local.get(student))[0]
		l = line{Base: &record, ExpireAt: l.ExpireAt}
	}

	f.metrics.Journal.Set(float64(f.journal.len()))

	if f.disk == nil {
		return nil
	}

	return f.disk.append(l)
}

// pending is closed once everything that was appended is stored.
func (f *Failover) pending() <-chan struct{} {
	if f.disk == nil {
		return nil
	}

	return f.disk.pending()
}

// wait returns when stored is closed, or at once if nothing is stored.
func wait(stored <-chan struct{}) {
	if stored != nil {
		<-stored
	}
}

// OpenJournal keeps the journal of exam in folder as well, and takes up what an
// earlier process has left there: what was accepted while remote is away then
// outlives the process. It comes before any other call. An earlier process that has
// not ended yet is waited for, 30 s. Errors: the folder cannot be used, or another
// process uses the exam's journal there.
func (f *Failover) OpenJournal(folder, exam string) error {
	disk, lines, err := openDisk(filepath.Join(folder, url.PathEscape(exam)+".journal"), lockPatience, f.log, f.metrics)
	if err != nil {
		return err
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	f.disk, disk.content = disk, f.content

	for _, l := range lines {
		if l.ExpireAt > time.Now().UnixMilli() {
			f.takeUp(l)
		}
	}

	f.left = f.local.all(false)
	f.metrics.Journal.Set(float64(f.journal.len()))

	if len(lines) > 0 {
		f.log.Info("journal of an earlier process", zap.Int("lines", len(lines)), zap.Int("operations", f.journal.len()))
	}

	return nil
}

// takeUp does again in memory what a line says. It needs the lock.
func (f *Failover) takeUp(l line) {
	ctx := context.Background()
	kept := true

	switch {
	case l.Base != nil:
		f.local.base(*l.Base)
	case l.Record != nil:
		_, _ = f.local.Sync(ctx, []Record{*l.Record}, 0)
		kept = f.journal.append(entry{record: l.Record})
	case l.Join != nil:
		_, _ = f.local.Join(ctx, *l.Join)
		kept = f.journal.append(entry{join: l.Join})
	case l.Report != nil:
		f.count(ctx, *l.Report)
		kept = f.journal.append(entry{report: l.Report})
	}

	if !kept {
		f.metrics.JournalDropped.Inc()
	}
}

// Close ends the use of the journal's file. It comes after every other call.
func (f *Failover) Close() error {
	if f.disk == nil {
		return nil
	}

	return f.disk.close()
}

// call bounds and measures one call of remote. The request's own end is not
// passed on: a student who leaves must not look like a store that is away.
func call[T any](f *Failover, use *use, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(use.ctx, callTimeout)
	defer cancel()

	// Its own trace: a round trip is for many requests at once.
	ctx, span := tracing.Span(ctx, "store")
	defer span.End()

	result, err := measure(f, func() (T, error) { return do(ctx) })
	tracing.Fail(span, err)

	return result, err
}

func measure[T any](f *Failover, do func() (T, error)) (T, error) {
	start := time.Now()
	result, err := do()

	f.metrics.StoreSeconds.Observe(time.Since(start).Seconds())

	if err != nil {
		f.metrics.StoreErrors.Inc()
	}

	return result, err
}
