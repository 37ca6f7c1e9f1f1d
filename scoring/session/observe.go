package session

import (
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session/coverage"
)

// How long a condition must hold before it is an observation, in milliseconds.
const (
	lostAfter    = 5_000
	blackAfter   = 15_000
	limitedAfter = 10_000
	// missedReports is how many report intervals without a report, or without
	// media, are too many.
	missedReports = 4
	// emptyRoom is how long after a FaceMissing a still picture shows an empty room
	// rather than a loop.
	emptyRoom = 120_000
)

// observer is one kind of observation: it is made once for each time that its
// condition has held for long enough.
type observer struct {
	kind string
	// holds is whether the condition holds now.
	holds func(t *Tracker, e *entry, now int64) bool
	// after is for how long it must.
	after func(t *Tracker) int64
}

func always(ms int64) func(*Tracker) int64 { return func(*Tracker) int64 { return ms } }

func (t *Tracker) patience() int64 {
	return missedReports * max(t.config.Policy.ReportIntervalMs, 500)
}

// observers need the lock.
var observers = [len(watching{})]observer{ //nolint:gochecknoglobals // constant
	{policy.StreamLost, func(_ *Tracker, e *entry, _ int64) bool {
		cause := e.ledger.Cause()

		return cause == coverage.Network || (cause == coverage.Student && !e.stream.Receiving)
	}, always(lostAfter)},
	{policy.StreamBlack, func(_ *Tracker, e *entry, _ int64) bool {
		return e.stream.Receiving && e.stream.Dark
	}, always(blackAfter)},
	// Still has lasted already: pods say it of a picture that was still for long.
	{policy.StreamFrozen, func(_ *Tracker, e *entry, now int64) bool {
		missing := e.record.Tally["FaceMissing"].LastAt

		return e.stream.Receiving && e.stream.Still && !e.stream.Dark && (missing == 0 || now-missing > emptyRoom)
	}, always(0)},
	{policy.StreamLimited, func(_ *Tracker, e *entry, _ int64) bool {
		return e.stream.Receiving && e.stream.Limited
	}, always(limitedAfter)},
	{policy.SignalSuppressed, func(t *Tracker, e *entry, now int64) bool {
		return e.stream.Receiving && e.conn != nil && now-e.heard >= t.patience()
	}, always(0)},
	{policy.MediaSuppressed, func(t *Tracker, e *entry, now int64) bool {
		cause := e.ledger.Cause()

		return e.conn != nil && now-e.heard < t.patience() && !e.stream.Receiving &&
			(cause == coverage.Network || cause == coverage.Student)
	}, (*Tracker).patience},
}

// watching is how far the observers are with a session.
type watching [6]watch

type watch struct {
	// since is when the condition began to hold; made whether it was observed.
	since int64
	made  bool
}

// observe lets the observers look, and returns when they must look again; 0:
// when something happens. It needs the lock.
func (t *Tracker) observe(e *entry, now int64) int64 {
	if !e.record.Live || !t.counting(e) {
		e.watching = watching{}

		return 0
	}

	var again int64

	for i := range observers {
		o, w := &observers[i], &e.watching[i]

		switch {
		case !o.holds(t, e, now):
			*w = watch{}
		case w.made:
		default:
			if w.since == 0 {
				w.since = now
			}

			if due := w.since + o.after(t); now < due {
				again = sooner(again, due)
			} else {
				w.made = true

				t.observed(e, o.kind, e.ledger.Cause().String(), now)
			}
		}
	}

	// Two conditions come true by time alone.
	if e.stream.Receiving && e.conn != nil && !e.made(policy.SignalSuppressed) {
		again = sooner(again, e.heard+t.patience())
	}

	if e.stream.Receiving && e.stream.Still && !e.made(policy.StreamFrozen) {
		again = sooner(again, e.record.Tally["FaceMissing"].LastAt+emptyRoom+1)
	}

	if again != 0 {
		again = max(again, now+1)
	}

	return again
}

func (e *entry) made(kind string) bool {
	for i := range observers {
		if observers[i].kind == kind {
			return e.watching[i].made
		}
	}

	return false
}

// observed counts an observation unless one of its kind is alive. It needs the lock.
func (t *Tracker) observed(e *entry, kind, detail string, now int64) {
	if e.observations == nil {
		e.observations = policy.Tally{}
	}

	if !e.observations.Add(e.engine.Observed(kind), now) {
		return
	}

	e.stale = true
	e.news++
	t.unsaved(e)
	t.record(e.student.ID, RecordObservation, now, ObservationFact{
		Type: kind, Number: e.observations[kind].N, Detail: detail,
	})
}
