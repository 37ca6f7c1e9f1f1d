package session

import (
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
)

// maxActions bounds what is stored of one session. Ending it is always possible.
const maxActions = 200

// ConflictError means that a session has no room for an action now.
type ConflictError struct {
	// Reason is for people.
	Reason string
}

// Error implements error.
func (e *ConflictError) Error() string { return e.Reason }

// Considered is an action that has room.
type Considered struct {
	// Taken is how it will be recorded, or already is.
	Taken wire.TakenAction
	// Repeated is whether its id was taken before.
	Repeated bool
}

// Consider says what becomes of an action that is well-formed: nothing is done
// yet. A dismissal without a number gets that of the last violation that is
// counted. Errors: ErrNotEnrolled, *ConflictError.
func (t *Tracker) Consider(student, by string, action wire.Action) (Considered, error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return Considered{}, ErrNotEnrolled
	}

	if stored, known := e.record.Actions[action.ID]; known {
		return Considered{Taken: taken(student, action, stored), Repeated: true}, nil
	}

	t.settle(e) // The end may have come since.

	if reason := t.conflict(e, &action); reason != "" {
		return Considered{}, &ConflictError{Reason: reason}
	}

	return Considered{Taken: wire.TakenAction{
		Action: action, Student: student, By: by, At: t.now().UnixMilli(),
	}}, nil
}

// taken is an action as it was taken first. What was said to the student is not
// stored, and taken from the repetition if that is one.
func taken(student string, action wire.Action, stored store.Action) wire.TakenAction {
	first := wire.TakenAction{
		Action: wire.Action{
			ID: action.ID, Kind: wire.ActionKind(stored.Kind), Minutes: stored.Minutes,
			Violation: stored.Violation, Number: stored.Number, Reason: stored.Reason,
		},
		Student: student, By: stored.By, At: stored.At,
	}

	if action.Kind == first.Kind {
		first.Text = action.Text
	}

	return first
}

// conflict says why there is no room for an action; "" if there is.
func (t *Tracker) conflict(e *entry, action *wire.Action) string {
	switch {
	case e.state == Terminated:
		return "The session was terminated."
	case e.state == Finished:
		return "The student's time is over."
	case len(e.record.Actions) >= maxActions && action.Kind != wire.ActionTerminate:
		return "The session has had too many actions."
	}

	switch action.Kind {
	case wire.ActionMessage, wire.ActionWarn:
		if e.conn == nil {
			return "The student's page is not connected."
		}
	case wire.ActionPause:
		switch e.state {
		case Paused:
			return "The session is paused already."
		case Enrolled:
			return "The student has not joined."
		}
	case wire.ActionResume:
		if e.state != Paused {
			return "The session is not paused."
		}
	case wire.ActionExtend:
		if t.config.EndsAt == 0 {
			return "The exam has no end."
		}
	case wire.ActionDismiss:
		return e.dismissable(action)
	case wire.ActionTerminate:
	}

	return ""
}

func (e *entry) dismissable(action *wire.Action) string {
	count := e.record.Tally[action.Violation].N

	if action.Number == 0 {
		for action.Number = count; action.Number > 0 && e.control.has(action.Violation, action.Number); {
			action.Number--
		}
	}

	switch {
	case action.Number < 1 || action.Number > count:
		return "No such violation is counted."
	case e.control.has(action.Violation, action.Number):
		return "The violation is dismissed already."
	default:
		return ""
	}
}

// Stored is what is stored of an action.
func Stored(action wire.TakenAction) store.Action {
	return store.Action{
		At: action.At, Kind: string(action.Kind), By: action.By, Minutes: action.Minutes,
		Violation: action.Violation, Number: action.Number, Reason: action.Reason,
	}
}

// Acted takes an action that is stored, and record, which has it: the session
// follows, its page and invigilators are told, and it goes on record.
func (t *Tracker) Acted(action wire.TakenAction, record store.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.record(action.Student, RecordAction, action.At, action)

	if e, ok := t.sessions[action.Student]; ok {
		if action.Text != "" && e.conn != nil {
			e.conn.Send(wire.ServerMessage{
				Type: "message", Text: action.Text, Warning: action.Kind == wire.ActionWarn,
			})
		}

		end := t.shownEnd(e)
		t.apply(e, record)
		t.settle(e)

		if t.shownEnd(e) != end {
			t.sendExam(e)
		}
	}

	t.tell(wire.FeedMessage{Type: "action", At: action.At, Student: action.Student, Action: &action})
}
