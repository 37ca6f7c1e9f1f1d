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
	// Reports takes reports in order, in few round trips. With an error come the
	// outcomes of those before it.
	Reports(ctx context.Context, reports []Report) ([]Outcome, error)
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
	counted  func(Report, Outcome)

	// disk is the journal's file; nil: the journal is in memory alone.
	disk *disk
	// left is what an earlier process left in it; told is done once the owner
	// has heard of it.
	left []Record
	told sync.Once

	mu sync.Mutex
	// use is the time since remote last returned; nil while it is away.
	use     *use
	journal journal
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
	// Counted is called with a report of which something counted in memory, before
	// that is on disk: whoever watches live need not wait for a disk, whoever sent
	// the report must. What it is told may be counted again, under the same
	// numbers, if the process ends first. nil: nobody is told.
	Counted func(Report, Outcome)
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
		counted:  options.Counted,
		journal:  newJournal(),
	}
}

// Available is whether remote is in use.
func (f *Failover) Available() bool { return f.current() != nil }

// Join implements Store. It never fails.
func (f *Failover) Join(ctx context.Context, join Join) (Record, error) {
	for {
		var failure error

		use := f.current()
		if use != nil {
			join.Floor = f.local.get(join.Student).Generation

			record, err := call(f, use, func(ctx context.Context) (Record, error) { return f.remote.Join(ctx, join) })
			if err == nil {
				// The answer is this device's own, even if another has taken the
				// session since: its token must not open that one's.
				f.remember(record)

				return record, nil
			}

			failure = err
		}

		if record, stored, done := f.joinLocally(ctx, join, use, failure); done {
			wait(stored)

			return record, nil
		}
	}
}

func (f *Failover) joinLocally(ctx context.Context, join Join, use *use, failure error) (Record, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lost(use, failure)

	if f.use != nil {
		return Record{}, nil, false // remote has returned since; it has the word
	}

	record, _ := f.local.Join(ctx, join)
	if record.SID != join.SID {
		return record, f.pending(), true
	}

	// A new id was handed out: the student's page holds it, so it stands
	// whatever remote would have said.
	join.Force = true

	return record, f.append(entry{join: &join}, join.Student), true
}

// Report implements Store. It never fails, and returns once the report is stored.
func (f *Failover) Report(ctx context.Context, report Report) (Outcome, error) {
	for {
		var failure error

		use := f.current()
		if use != nil {
			// Round trips of reports have their own time-out.
			outcome, err := measure(f, func() (Outcome, error) { return f.reportRemotely(use.ctx, report) })
			if err == nil {
				outcome.Record = f.remember(outcome.Record)

				return outcome, nil
			}

			failure = err
		}

		if outcome, stored, done := f.reportLocally(ctx, report, use, failure); done {
			if f.counted != nil && len(outcome.Counted) > 0 {
				f.counted(report, outcome)

				outcome.Told = true
			}

			wait(stored)

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

	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

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
		record = Merge(record, Record{Student: report.Student, SID: report.SID, Generation: 1, JoinedAt: report.At})
	}

	return record
}

func (f *Failover) reportLocally(
	ctx context.Context, report Report, use *use, failure error,
) (Outcome, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lost(use, failure)

	if f.use != nil {
		return Outcome{}, nil, false
	}

	outcome := f.count(ctx, report)
	if outcome.Status != Counted {
		// A repeat is acknowledged as well: what it repeats must be stored.
		return outcome, f.pending(), true
	}

	// Only what counted is written back: remote may have forgotten when a type
	// was last counted, memory has not. It is remote that knows of a student whom
	// memory has met only now.
	if f.local.isBased(report.Student) {
		report.Violations = only(report.Violations, outcome.Counted)
	}

	return outcome, f.append(entry{report: &report}, report.Student), true
}

// count takes a report in memory.
func (f *Failover) count(ctx context.Context, report Report) Outcome {
	outcome, _ := f.local.Report(ctx, report)
	if outcome.Status == Unknown {
		_, _ = f.local.Sync(ctx, []Record{f.known(report)}, 0)
		outcome, _ = f.local.Report(ctx, report)
	}

	return outcome
}

// Sync implements Store. It never fails.
func (f *Failover) Sync(ctx context.Context, records []Record, expireAt int64) ([]Record, error) {
	for {
		var failure error

		use := f.current()
		if use != nil {
			merged, err := call(f, use, func(ctx context.Context) ([]Record, error) {
				return f.remote.Sync(ctx, records, expireAt)
			})
			if err == nil {
				return f.local.base(merged...), nil
			}

			failure = err
		}

		if merged, stored, done := f.syncLocally(ctx, records, use, failure); done {
			wait(stored)

			return merged, nil
		}
	}
}

func (f *Failover) syncLocally(
	ctx context.Context, records []Record, use *use, failure error,
) (merged []Record, stored <-chan struct{}, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lost(use, failure)

	if f.use != nil {
		return nil, nil, false
	}

	merged, _ = f.local.Sync(ctx, records, 0)

	for _, record := range records {
		if !record.Empty() {
			record = cloned(record)
			stored = f.append(entry{record: &record}, record.Student)
		}
	}

	return merged, stored, true
}

// remember merges what remote said into memory and returns the result: answers
// of one session's calls may arrive in any order.
func (f *Failover) remember(record Record) Record { return f.local.remember(record) }
