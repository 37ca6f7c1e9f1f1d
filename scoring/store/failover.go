package store

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/metrics"
)

// Remote is a Store that may be away.
type Remote interface {
	Store
	// Check is nil while the store answers and holds what was written.
	Check(ctx context.Context) error
	// Mark makes Check succeed until the store loses its data.
	Mark(ctx context.Context, expireAt int64) error
}

// How Failover waits: quick calls, because a student waits for them, and quick
// returns, because every second away makes the journal longer.
const (
	callTimeout    = time.Second
	recoverTimeout = 30 * time.Second
	checkInterval  = time.Second
	retryInterval  = 250 * time.Millisecond
)

// Failover is a Store that always answers: from remote while it can be reached,
// from memory while it cannot. What it accepted meanwhile is written back, once,
// when remote returns.
type Failover struct {
	remote   Remote
	local    *Memory
	log      *zap.Logger
	metrics  *metrics.Set
	students func() []string
	expireAt func() int64
	changed  func(available bool)
	restored func([]Record)

	mu        sync.Mutex
	available bool
	journal   journal
}

// FailoverOptions are the parts of a Failover.
type FailoverOptions struct {
	Remote  Remote
	Log     *zap.Logger
	Metrics *metrics.Set
	// Students is the roster: whose records are read when remote is reached.
	Students func() []string
	// ExpireAt is when records may go.
	ExpireAt func() int64
	// Changed is called when remote comes or goes.
	Changed func(available bool)
	// Restored is called with what remote and memory held together, before
	// remote counts as available.
	Restored func([]Record)
}

// NewFailover returns a store that is not available yet: Connect or Run reach
// for remote.
func NewFailover(options FailoverOptions) *Failover {
	return &Failover{
		remote:   options.Remote,
		local:    NewMemory(),
		log:      options.Log,
		metrics:  options.Metrics,
		students: options.Students,
		expireAt: options.ExpireAt,
		changed:  options.Changed,
		restored: options.Restored,
		journal:  newJournal(),
	}
}

// Available is whether remote is in use.
func (f *Failover) Available() bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.available
}

// Join implements Store. It never fails.
func (f *Failover) Join(ctx context.Context, join Join) (Record, error) {
	for {
		var failure error

		if f.Available() {
			join.Floor = f.local.get(join.Student).Generation

			record, err := call(ctx, f, func(ctx context.Context) (Record, error) { return f.remote.Join(ctx, join) })
			if err == nil {
				// The answer is this device's own, even if another has taken the
				// session since: its token must not open that one's.
				f.remember(ctx, record)

				return record, nil
			}

			failure = err
		}

		if record, done := f.joinLocally(ctx, join, failure); done {
			return record, nil
		}
	}
}

func (f *Failover) joinLocally(ctx context.Context, join Join, failure error) (Record, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if failure == nil && f.available {
		return Record{}, false // remote returned since; it has the word
	}

	f.lost(failure)

	record, _ := f.local.Join(ctx, join)
	if record.SID == join.SID {
		// A new id was handed out: the student's page holds it, so it stands
		// whatever remote would have said.
		join.Force = true
		f.append(entry{join: &join})
	}

	return record, true
}

// Report implements Store. It never fails.
func (f *Failover) Report(ctx context.Context, report Report) (Outcome, error) {
	for {
		var failure error

		if f.Available() {
			outcome, err := call(ctx, f, func(ctx context.Context) (Outcome, error) {
				return f.reportRemotely(ctx, report)
			})
			if err == nil {
				outcome.Record = f.remember(ctx, outcome.Record)

				return outcome, nil
			}

			failure = err
		}

		if outcome, done := f.reportLocally(ctx, report, failure); done {
			return outcome, nil
		}
	}
}

// reportRemotely hands remote what it does not know before it counts on it.
func (f *Failover) reportRemotely(ctx context.Context, report Report) (Outcome, error) {
	outcome, err := f.remote.Report(ctx, report)
	if err != nil || outcome.Status != Unknown {
		return outcome, err
	}

	if _, err := f.remote.Sync(ctx, []Record{f.known(report)}, report.ExpireAt); err != nil {
		return Outcome{}, err
	}

	return f.remote.Report(ctx, report)
}

// known is the record that memory has for a report; failing that, one made of
// the report itself: its session id comes from a token that was signed here, so
// a process that started without Redis can take it as it is.
func (f *Failover) known(report Report) Record {
	record := f.local.get(report.Student)
	if record.Generation == 0 {
		record = Record{Student: report.Student, SID: report.SID, Generation: 1, JoinedAt: report.At}
	}

	return record
}

func (f *Failover) reportLocally(ctx context.Context, report Report, failure error) (Outcome, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if failure == nil && f.available {
		return Outcome{}, false
	}

	f.lost(failure)

	outcome, _ := f.local.Report(ctx, report)
	if outcome.Status == Unknown {
		_, _ = f.local.Sync(ctx, []Record{f.known(report)}, 0)
		outcome, _ = f.local.Report(ctx, report)
	}

	if outcome.Status == Counted {
		// Only what counted is written back: remote may have forgotten when a
		// type was last counted, memory has not.
		report.Violations = only(report.Violations, outcome.Counted)
		f.append(entry{report: &report})
	}

	return outcome, true
}

// Sync implements Store.
func (f *Failover) Sync(ctx context.Context, records []Record, expireAt int64) ([]Record, error) {
	if f.Available() {
		merged, err := call(ctx, f, func(ctx context.Context) ([]Record, error) {
			return f.remote.Sync(ctx, records, expireAt)
		})
		if err == nil {
			return f.local.Sync(ctx, merged, expireAt)
		}

		f.mu.Lock()
		f.lost(err)
		f.mu.Unlock()
	}

	return f.local.Sync(ctx, records, expireAt)
}

// remember merges what remote said into memory and returns the result: answers
// of one session's calls may arrive in any order.
func (f *Failover) remember(ctx context.Context, record Record) Record {
	merged, _ := f.local.Sync(ctx, []Record{record}, 0)

	return merged[0]
}

// append needs the lock.
func (f *Failover) append(e entry) {
	if !f.journal.append(e) {
		f.metrics.JournalDropped.Inc()
	}

	f.metrics.Journal.Set(float64(f.journal.len()))
}

// lost notes that remote is away. It needs the lock.
func (f *Failover) lost(failure error) {
	if failure == nil || !f.available {
		return
	}

	f.available = false
	f.metrics.StoreAvailable.Set(0)
	f.log.Warn("store is away, scoring goes on from memory", zap.Error(failure))
	f.changed(false)
}

// call bounds and measures one call of remote. The request's own end is not
// passed on: a student who leaves must not look like a store that is away.
func call[T any](ctx context.Context, f *Failover, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()

	start := time.Now()
	result, err := do(ctx)

	f.metrics.StoreSeconds.Observe(time.Since(start).Seconds())

	if err != nil {
		f.metrics.StoreErrors.Inc()
	}

	return result, err
}
