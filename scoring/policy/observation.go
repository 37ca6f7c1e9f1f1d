package policy

import "github.com/invigil/invigil/internal/wire"

// The observations: what the server saw itself. They stand beside violations and
// are never taken from a page. Most have innocent causes, so that none weighs
// anything unless the policy has a rule of its name.
const (
	// StreamLost: the camera was received and is not any more, while the exam goes
	// on and no pod of ours is to blame.
	StreamLost = "StreamLost"
	// StreamFrozen: the picture is the same for long, and no empty room.
	StreamFrozen = "StreamFrozen"
	// StreamBlack: the picture is black for long.
	StreamBlack = "StreamBlack"
	// StreamLimited: the student sends more than a pod takes.
	StreamLimited = "StreamLimited"
	// SignalSuppressed: media comes and the page is connected, and reports nothing.
	SignalSuppressed = "SignalSuppressed"
	// MediaSuppressed: reports come, and no media.
	MediaSuppressed = "MediaSuppressed"
	// DuplicateJoin: a second device has joined.
	DuplicateJoin = "DuplicateJoin"
)

// observations are how long repeats are not counted again, in milliseconds.
var observations = map[string]int64{ //nolint:gochecknoglobals // constant
	StreamLost:       60_000,
	StreamFrozen:     120_000,
	StreamBlack:      60_000,
	StreamLimited:    120_000,
	SignalSuppressed: 60_000,
	MediaSuppressed:  60_000,
	DuplicateJoin:    1_000,
}

// IsObservation is whether a type is the server's own.
func IsObservation(kind string) bool {
	_, ok := observations[kind]

	return ok
}

// Observed is the candidate that an observation makes.
func (e *Engine) Observed(kind string) Candidate {
	if rule, ok := e.rules[kind]; ok {
		return Candidate{Type: kind, Severity: rule.Severity, TTLMs: rule.TTLMs}
	}

	return Candidate{Type: kind, Severity: severities[0], TTLMs: observations[kind]}
}

// Event is one sign that a page reported, as it was received or recorded.
type Event struct {
	Type     string
	At       int64
	LastedMs int64
}

// Count counts events in the order of their times, as they would have been had
// the policy been e's. Types that e does not have do not count.
func (e *Engine) Count(events []Event) Tally {
	tally := Tally{}

	for _, event := range sorted(events) {
		candidates, err := e.Check([]wire.ReportedViolation{{Type: event.Type, LastedMs: event.LastedMs}})
		if err != nil {
			continue
		}

		for _, candidate := range candidates {
			tally.Add(candidate, event.At)
		}
	}

	return tally
}
