// Package course says where an exam stands: (spec, the roster's longest extra
// time, what is known, now) in, phase and dates out. It is pure and knows nothing
// of Kubernetes, so an operator that was away finds the phase that is right now,
// whatever it has missed.
//
//	Scheduled   until warm-up
//	WarmingUp   until students can join, however late that is
//	Open        until the start
//	Live        until the end
//	Finishing   students with extra time go on; Linger after the last one's end it is over
//	Finished    the SFU pods are gone; scoring and store stay for the time to live, until
//	            the evidence is sealed, and until every session is written, whichever is last
//	TornDown    nothing runs; records and pictures stay
//	Purging     retention is over, and there are pictures still
//	Purged      there are none
//
//	Missed      the end passed before anything was made for it
package course

import "time"

const (
	// Linger is how long SFU pods stay after the last student's end, so that the
	// last frames and reports arrive.
	Linger = time.Minute
	// MaxOverrun is how long sessions that still run beyond it, since people have
	// paused or extended them, keep the pods, at most.
	MaxOverrun = 12 * time.Hour
)

// Phase is where the exam stands.
type Phase string

// The phases, as the package comment has them.
const (
	Scheduled Phase = "Scheduled"
	WarmingUp Phase = "WarmingUp"
	Open      Phase = "Open"
	Live      Phase = "Live"
	Finishing Phase = "Finishing"
	Finished  Phase = "Finished"
	TornDown  Phase = "TornDown"
	Purging   Phase = "Purging"
	Purged    Phase = "Purged"
	Missed    Phase = "Missed"
)

// InSession says whether students may be in the exam, so that what runs for it
// must be neither moved nor replaced.
func (p Phase) InSession() bool {
	return p == WarmingUp || p == Open || p == Live || p == Finishing
}

// Runs says whether pods are made for the exam and looked after.
func (p Phase) Runs() bool { return p.InSession() || p == Finished }

// Over says whether nobody can sit the exam any more.
func (p Phase) Over() bool {
	return p == Finished || p == TornDown || p == Purging || p == Purged || p == Missed
}

// Spec is what is asked for.
type Spec struct {
	Dates

	Warmup time.Duration
	// Extra is the largest extra time of a student, with the grace.
	Extra time.Duration
	// TTL is how long scoring and store stay when the exam is over.
	TTL time.Duration
	// Retention is how long pictures are kept when it is over; 0: for ever.
	Retention time.Duration
}

// Known is what is known of the exam.
type Known struct {
	// Made: pods were made for it at some time.
	Made bool
	// Up: students could join at some time of this session.
	Up bool
	// Running: some student's session is live or paused.
	Running bool
	// LastSeen is when a student was seen last; zero for never.
	LastSeen time.Time
	// Recorded: evidence is kept, and has to be sealed.
	Recorded bool
	// Sealed is when it was; zero for not yet.
	Sealed time.Time
	// Unwritten: scoring has said something of sessions that is not in the cluster.
	Unwritten bool
	// TornDown: it was, and does not come back.
	TornDown bool
	// Expired: there are no pictures any more.
	Expired bool
}

// closed says whether nothing can be added to the exam.
func (k Known) closed() bool { return k.TornDown || !k.Sealed.IsZero() }

// Course is where the exam stands now, and its dates.
type Course struct {
	Phase Phase
	// Opens, Starts and Ends date the exam; Ends is zero when it has no end.
	Opens  time.Time
	Starts time.Time
	Ends   time.Time
	// Leaves is when the SFU pods go, TearsDown when the others may; both are zero
	// without an end.
	Leaves    time.Time
	TearsDown time.Time
	// Purges is when pictures expire; zero for never.
	Purges time.Time
	// NextEdge is when the course is another one by the clock; zero for never.
	NextEdge time.Time
}

// At is the exam's course as of now.
func At(spec Spec, known Known, now time.Time) Course {
	c := Course{Opens: spec.Starts.Add(-spec.Warmup), Starts: spec.Starts, Ends: spec.Ends}
	c.leave(spec, known, now)
	c.Phase = c.phase(known, now)
	c.NextEdge = c.next(now)

	return c
}

// leave dates what follows the end.
func (c *Course) leave(spec Spec, known Known, now time.Time) {
	if c.Ends.IsZero() {
		return
	}

	over := c.Ends.Add(spec.Extra)

	c.Leaves = over.Add(Linger)
	if known.Running && !now.Before(c.Leaves) {
		c.Leaves = over.Add(MaxOverrun)
	}

	// What is sealed is over, whatever extra time somebody adds later.
	if sealed := known.Sealed.Add(Linger); !known.Sealed.IsZero() && sealed.Before(c.Leaves) {
		c.Leaves = sealed
	}

	closed := latest(over, known.Sealed, known.LastSeen)
	c.TearsDown = latest(closed.Add(spec.TTL), c.Leaves)

	if known.Recorded && spec.Retention > 0 {
		c.Purges = closed.Add(spec.Retention)
	}
}

func (c *Course) phase(known Known, now time.Time) Phase {
	switch {
	case known.TornDown:
		return c.tornDown(known, now)
	case c.Ends.IsZero() || now.Before(c.Ends):
		return c.before(known, now)
	case !known.Made:
		return Missed
	case now.Before(c.Leaves):
		return Finishing
	case known.Recorded && known.Sealed.IsZero(), known.Unwritten, now.Before(c.TearsDown):
		return Finished
	default:
		return TornDown
	}
}

// before is the phase before the end.
func (c *Course) before(known Known, now time.Time) Phase {
	switch {
	case now.Before(c.Opens):
		return Scheduled
	case !known.Up:
		return WarmingUp
	case now.Before(c.Starts):
		return Open
	default:
		return Live
	}
}

func (c *Course) tornDown(known Known, now time.Time) Phase {
	switch {
	case known.Expired:
		return Purged
	case c.Purges.IsZero() || now.Before(c.Purges):
		return TornDown
	default:
		return Purging
	}
}

// next is the first date that is still to come and turns the phase. What turns it
// otherwise, the operator is told by a watch.
func (c *Course) next(now time.Time) time.Time {
	var edges []time.Time

	switch c.Phase {
	case Scheduled:
		edges = []time.Time{c.Opens}
	case WarmingUp, Open, Live:
		edges = []time.Time{c.Starts, c.Ends}
	case Finishing:
		edges = []time.Time{c.Leaves}
	case Finished:
		edges = []time.Time{c.TearsDown}
	case TornDown:
		edges = []time.Time{c.Purges}
	case Purging, Purged, Missed:
	}

	for _, edge := range edges {
		if now.Before(edge) {
			return edge
		}
	}

	return time.Time{}
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, other := range others {
		if other.After(first) {
			first = other
		}
	}

	return first
}
