package witness

import (
	"strconv"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// The ids of records are the same after a restart and in every process, so that
// what is said twice is one record. A picture's id is that of its violation, and
// "/sfu" or "/upload".

func violationID(kind string, number int) string { return "v-" + kind + "-" + strconv.Itoa(number) }

func observationID(kind string, number int) string { return "o-" + kind + "-" + strconv.Itoa(number) }

func actionID(id string) string { return "a-" + id }

func stateID(to string, since int64) string { return "s-" + to + "-" + strconv.FormatInt(since, 10) }

func uploadID(violation string, number int) string { return violationID(violation, number) + "/upload" }

func randomID(at int64) string { return "r-" + strconv.FormatInt(at, 10) }

// entryOf is a fact as it is recorded.
func entryOf(student string, at int64, detail any) (entry evidence.Entry, known bool) {
	entry = evidence.Entry{Student: student, At: at}

	switch fact := detail.(type) {
	case session.ViolationFact:
		entry.ID = violationID(fact.Type, fact.Number)
		entry.Violation = &format.Violation{
			Type: fact.Type, Severity: fact.Severity, LastedMs: fact.LastedMs,
			Score: fact.Score, Level: fact.Level, Policy: fact.PolicyVersion,
		}
	case session.ObservationFact:
		entry.ID = observationID(fact.Type, fact.Number)
		entry.Observation = &format.Observation{Type: fact.Type, Detail: fact.Detail}
	case wire.TakenAction:
		entry.ID = actionID(fact.ID)
		entry.Action = actionOf(session.Stored(fact))
		entry.Action.Text = fact.Text
	case session.StateFact:
		entry.ID = stateID(fact.To, fact.Since)
		entry.State = &format.State{From: fact.From, To: fact.To, Why: fact.Why}
	default:
		return entry, false
	}

	return entry, true
}

func actionOf(action store.Action) *format.Action {
	recorded := &format.Action{
		Type: format.ActionType(action.Kind), By: action.By, Reason: action.Reason,
		ExtendMs: int64(action.Minutes) * 60_000,
	}

	if action.Violation != "" {
		recorded.Of = violationID(action.Violation, action.Number)
	}

	return recorded
}
