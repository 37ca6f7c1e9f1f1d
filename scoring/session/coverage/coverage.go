// Package coverage is how much of a session was observed, and whose fault it is
// where it was not: a ledger of spans, each with one cause. It is pure; its
// caller has the clock.
package coverage

import "github.com/invigil/invigil/internal/wire"

// Cause says why a span was not observed.
type Cause int

// The causes.
const (
	// None: the span does not count: before the first picture, paused, over.
	None Cause = iota
	// Observed: the camera was received.
	Observed
	// Network: the student's way to us.
	Network
	// SFU: the pod that had the stream has gone or was not ready.
	SFU
	// Platform: ours on purpose or by accident: a pod that drained, a restart.
	Platform
	// Student: the page was closed by itself, or the camera was muted.
	Student

	causes
)

// names are those of wire.Coverage.
var names = [causes]string{"", "observed", "network", "sfu", "platform", "student"} //nolint:gochecknoglobals // constant

// Gaps are the causes of what was not observed.
func Gaps() []Cause { return []Cause{Network, SFU, Platform, Student} }

// Gap says whether spans of the cause were not observed.
func (c Cause) Gap() bool { return c > Observed }

// String is the cause as wire.Coverage has it.
func (c Cause) String() string { return names[c] }

// Facts are what is known of a session at a moment.
type Facts struct {
	// Began: was live at least once. Counting: neither paused nor over.
	Began, Counting bool
	// Receiving: the SFU receives the camera. Connected: the page's socket is open.
	Receiving, Connected bool
	// Muted: the page says that the camera is.
	Muted bool
	// Left: the page closed its socket itself.
	Left bool
	// PodGone: the pod that had the stream does not answer or is not ready.
	PodGone bool
	// Moved: the stream was told to leave its pod. Restarted: scoring has just
	// started, and the student may be on the way back.
	Moved, Restarted bool
}

// Cause of the facts. Ours comes before the student's: nobody is blamed for what
// we cannot tell from our own doing.
func (f Facts) Cause() Cause {
	switch {
	case !f.Began || !f.Counting:
		return None
	case f.Receiving && f.Connected && f.Muted:
		return Student
	case f.Receiving:
		return Observed
	case f.Moved || f.Restarted:
		return Platform
	case f.PodGone:
		return SFU
	case f.Connected && f.Muted, !f.Connected && f.Left:
		return Student
	default:
		return Network
	}
}

// Ledger adds up spans. The zero value has none.
type Ledger struct {
	cause Cause
	since int64
	spent [causes]int64
}

// Cause of the span that runs.
func (l *Ledger) Cause() Cause { return l.cause }

// Lasted is how many milliseconds the running span has lasted at a time.
func (l *Ledger) Lasted(at int64) int64 { return max(0, at-l.since) }

// Turn ends the running span at the given time and begins one of cause. The
// same cause goes on. A clock that goes back adds nothing.
func (l *Ledger) Turn(cause Cause, at int64) {
	l.spent[l.cause] += l.Lasted(at)
	l.cause, l.since = cause, at
}

// At is the coverage at a time; nil if nothing counts yet.
func (l *Ledger) At(at int64) *wire.Coverage {
	now := *l
	now.Turn(now.cause, at)

	coverage := &wire.Coverage{ObservedMs: now.spent[Observed]}

	var total int64

	for cause := Observed; cause < causes; cause++ {
		spent := now.spent[cause]
		if total += spent; spent == 0 || cause == Observed {
			continue
		}

		if coverage.GapsMs == nil {
			coverage.GapsMs = map[string]int64{}
		}

		coverage.GapsMs[cause.String()] = spent
	}

	if total == 0 && now.cause == None {
		return nil
	}

	return coverage
}

// Names of the marks that a ledger is stored as.
const (
	prefix = "cov:"
	until  = prefix + "until"
)

// Mark writes the ledger, as it is at a time, to marks that only rise.
func (l *Ledger) Mark(marks map[string]int64, at int64) {
	now := *l
	now.Turn(now.cause, at)

	for cause := Observed; cause < causes; cause++ {
		if now.spent[cause] > 0 {
			marks[prefix+cause.String()] = now.spent[cause]
		}
	}

	if now.cause != None {
		marks[until] = at
	}
}

// Restore adds what another process has left in marks. The time since it wrote
// them is the platform's: nobody was there to look.
func (l *Ledger) Restore(marks map[string]int64, at int64) {
	for cause := Observed; cause < causes; cause++ {
		l.spent[cause] += marks[prefix+cause.String()]
	}

	if last := marks[until]; last != 0 {
		l.spent[Platform] += max(0, at-last)
	}
}
