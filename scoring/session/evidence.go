package session

import (
	"maps"
	"strings"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// SetEvidence takes note of how the exam's evidence does; nil: none is kept. The
// operator is told if it is another than before.
func (t *Tracker) SetEvidence(status *wire.EvidenceStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if (status == nil) == (t.evidence == nil) && (status == nil || *status == *t.evidence) {
		return
	}

	t.evidence = status
	t.bump()
}

// Over is whether nothing can happen to any session any more: each one was
// terminated, or its own end and the grace after it have passed. at is when the
// last one closed. An exam without end is never over, and neither is one with a
// session that is paused.
func (t *Tracker) Over() (at int64, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	now := t.now().UnixMilli()
	at = t.config.EndsAt + t.config.GraceMs

	if t.config.EndsAt == 0 || now < at {
		return 0, false
	}

	for _, e := range t.sessions {
		closed := t.end(e, now) + t.config.GraceMs
		if e.control.terminated {
			closed = e.lastAction()
		}

		if now < closed {
			return 0, false
		}

		at = max(at, closed)
	}

	return at, true
}

// Kept is what the store keeps of what must be on record of a session.
type Kept struct {
	Violations, Observations policy.Tally
	Actions                  map[string]store.Action
	// Engine is the policy with the student's accommodations.
	Engine *policy.Engine
}

// Kept of a student; ok is whether they are on the roster. All that this process
// has counted of it, Recorder has been told.
func (t *Tracker) Kept(student string) (kept Kept, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return Kept{}, false
	}

	return Kept{
		Violations: e.record.Tally.Clone(), Observations: e.observations.Clone(),
		Actions: maps.Clone(e.record.Actions), Engine: e.engine,
	}, true
}

// Observed is whether stored marks tell of observations.
func Observed(marks map[string]int64) bool {
	for name := range marks {
		if strings.HasPrefix(name, observationPrefix) {
			return true
		}
	}

	return false
}

// lastAction is when an invigilator last acted; 0: never.
func (e *entry) lastAction() int64 {
	var last int64
	for _, action := range e.record.Actions {
		last = max(last, action.At)
	}

	return last
}
