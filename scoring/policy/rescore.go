package policy

import (
	"cmp"
	"slices"

	"github.com/invigil/invigil/internal/wire"
)

// Subject is one student to score again. Events are counted by each policy; with
// a tally alone, ttl and mustLast of what was counted stay as they were.
type Subject struct {
	Student        string
	Tally          Tally
	Events         []Event
	Dismissed      map[string]int
	Accommodations map[string]wire.Accommodation
}

// Scored is a score, with the policy that it follows from.
type Scored struct {
	Score   int
	Level   string
	Version string
}

// Difference is what another policy makes of a student.
type Difference struct {
	Student       string
	Before, After Scored
}

// Rescore compares two policies. It returns the students whose score or level
// they differ in, the largest differences first. Errors wrap ErrInvalid.
func Rescore(subjects []Subject, before, after wire.Policy) ([]Difference, error) {
	var engines [2]*Engine

	for i, policy := range []wire.Policy{before, after} {
		engine, err := New(policy)
		if err != nil {
			return nil, err
		}

		engines[i] = engine
	}

	var differences []Difference

	for i := range subjects {
		var scored [2]Scored

		for j, engine := range engines {
			own, err := engine.For(subjects[i].Accommodations)
			if err != nil {
				return nil, err
			}

			scored[j] = own.scored(&subjects[i])
		}

		if scored[0].Score != scored[1].Score || scored[0].Level != scored[1].Level {
			differences = append(differences, Difference{Student: subjects[i].Student, Before: scored[0], After: scored[1]})
		}
	}

	slices.SortFunc(differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(b.size(), a.size()), cmp.Compare(a.Student, b.Student))
	})

	return differences, nil
}

func (e *Engine) scored(subject *Subject) Scored {
	tally := subject.Tally
	if subject.Events != nil {
		tally = e.Count(subject.Events)
	}

	score, level := e.Score(tally.Without(subject.Dismissed))

	return Scored{Score: score, Level: level, Version: e.version}
}

func (d Difference) size() int {
	return max(d.After.Score-d.Before.Score, d.Before.Score-d.After.Score)
}

// sorted leaves events alone and returns them by time.
func sorted(events []Event) []Event {
	order := slices.Clone(events)
	slices.SortStableFunc(order, func(a, b Event) int { return cmp.Compare(a.At, b.At) })

	return order
}
