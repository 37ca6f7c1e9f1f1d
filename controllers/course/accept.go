package course

import (
	"fmt"
	"strings"
	"time"
)

// slack is how long ago an end may have passed that is still taken: it was to come
// when somebody wrote it, and the operator was restarting.
const slack = time.Minute

// Dates are an exam's beginning and end; Ends is zero when it has none.
type Dates struct{ Starts, Ends time.Time }

// Wanted is what the spec says of them: End, or a Duration after Start, or neither.
type Wanted struct {
	Start    time.Time
	End      time.Time
	Duration time.Duration
}

// Dates are those that are wanted, in whole seconds as the status keeps them.
func (w Wanted) Dates() Dates {
	dates := Dates{Starts: w.Start.Truncate(time.Second)}

	switch {
	case !w.End.IsZero():
		dates.Ends = w.End.Truncate(time.Second)
	case w.Duration > 0:
		dates.Ends = w.Start.Add(w.Duration).Truncate(time.Second)
	}

	return dates
}

// Accept returns the dates that count, and why others are wanted in vain; "" if
// they are not. accepted are those that counted last, zero before there were any.
//
// Nothing is refused before students could join. From then on the start stays once
// it has passed, and a new end must not have passed more than slack ago: the old one
// counts until the spec says something that is possible. An exam that is sealed or torn down is
// over for good.
func Accept(accepted Dates, wanted Wanted, known Known, now time.Time) (dates Dates, refused string) {
	dates = wanted.Dates()

	switch {
	case accepted.Starts.IsZero() || dates.equal(accepted):
		return dates, ""
	case known.closed():
		return accepted, "The exam is over and nothing can be added to it, so its dates stay; make another Exam"
	case !known.Up:
		return dates, ""
	}

	var reasons []string

	if !now.Before(accepted.Starts) && !dates.Starts.Equal(accepted.Starts) {
		reasons = append(reasons, fmt.Sprintf("startTime cannot be changed: the exam began at %s", stamp(accepted.Starts)))
		wanted.Start = accepted.Starts
		dates = wanted.Dates()
	}

	if !dates.Ends.IsZero() && now.Sub(dates.Ends) >= slack && !dates.Ends.Equal(accepted.Ends) {
		reasons = append(reasons, fmt.Sprintf("an end at %s has passed already and would put everybody out: "+
			"%s; give one that is to come", stamp(dates.Ends), goesOn(accepted, now)))
		dates.Ends = accepted.Ends
	}

	return dates, strings.Join(reasons, "; ")
}

// goesOn says until when an exam counts as running.
func goesOn(accepted Dates, now time.Time) string {
	switch {
	case accepted.Ends.IsZero():
		return "the exam goes on without an end"
	case now.Before(accepted.Ends):
		return "the exam goes on until " + stamp(accepted.Ends)
	default:
		return "the exam ended at " + stamp(accepted.Ends)
	}
}

func (d Dates) equal(other Dates) bool {
	return d.Starts.Equal(other.Starts) && d.Ends.Equal(other.Ends)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
