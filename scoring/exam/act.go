package exam

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// The bounds of an action, as docs/protocol.md has them.
const (
	maxActionID = 64
	maxText     = 500
	maxMinutes  = 600
	maxNumber   = 1_000_000
)

// actors let one action at a time at a session, so that what has room when it is
// considered still has when it is stored.
type actors struct {
	seed  maphash.Seed
	locks [64]sync.Mutex
}

func newActors() *actors { return &actors{seed: maphash.MakeSeed()} }

func (a *actors) of(student string) *sync.Mutex {
	return &a.locks[maphash.String(a.seed, student)%uint64(len(a.locks))]
}

// Act takes an action of the invigilator named by, and returns it as it is
// recorded: once for each id, a repetition gets what was taken first. It is
// stored before anything follows from it. Its error is a *Refusal: BadRequest,
// NotEnrolled (404), Conflict (409), Internal.
func (e *Exam) Act(ctx context.Context, student, by string, action wire.Action) (wire.TakenAction, error) {
	if wrong := malformed(&action); wrong != "" {
		return wire.TakenAction{}, badRequest(wrong)
	}

	lock := e.actors.of(student)
	lock.Lock()
	defer lock.Unlock()

	considered, err := e.tracker.Consider(student, by, action)
	if err != nil {
		return wire.TakenAction{}, actRefusal(err)
	}

	taken := considered.Taken
	if considered.Repeated {
		return taken, nil
	}

	records, err := e.store.Sync(ctx, []store.Record{{
		Student: student, Actions: map[string]store.Action{taken.ID: session.Stored(taken)},
	}}, e.ExpireAt())
	if err != nil {
		e.log.Error("action failed", zap.String("student", student), zap.Error(err))

		return wire.TakenAction{}, internal()
	}

	for _, record := range records {
		e.tracker.Acted(taken, record)
	}

	e.log.Info("action", zap.String("student", student), zap.String("kind", string(taken.Kind)),
		zap.String("by", by), zap.String("id", taken.ID))

	if taken.Kind == wire.ActionDismiss {
		e.metrics.Dismissed.WithLabelValues(taken.Violation).Inc()
	}

	if taken.Kind == wire.ActionTerminate {
		e.endStreams(e.media.Resources(student)) //nolint:contextcheck // nobody waits for it
	}

	return taken, nil
}

func actRefusal(err error) *Refusal {
	if conflict := (*session.ConflictError)(nil); errors.As(err, &conflict) {
		return refuse(http.StatusConflict, wire.CodeConflict, 0, conflict.Reason)
	}

	return refuse(http.StatusNotFound, wire.CodeNotEnrolled, 0, "The student is not on the list of this exam.")
}

// malformed says what is wrong with an action whatever the session is, and drops
// fields that its kind does not have.
func malformed(action *wire.Action) string {
	if action.ID == "" || len(action.ID) > maxActionID || strings.ContainsFunc(action.ID, func(r rune) bool {
		return r <= ' ' || r > '~'
	}) {
		return "id must be 1 to 64 printable ASCII characters without spaces."
	}

	kept := wire.Action{ID: action.ID, Kind: action.Kind}

	switch action.Kind {
	case wire.ActionMessage, wire.ActionWarn:
		if kept.Text = action.Text; !within(kept.Text, 1) {
			return "text must be 1 to 500 characters."
		}
	case wire.ActionPause, wire.ActionResume:
	case wire.ActionExtend:
		if kept.Minutes = action.Minutes; kept.Minutes < 1 || kept.Minutes > maxMinutes {
			return "minutes must be 1 to 600."
		}
	case wire.ActionTerminate:
		kept.Text, kept.Reason = action.Text, action.Reason
		if !within(kept.Text, 0) {
			return "text must be at most 500 characters."
		}

		if !within(kept.Reason, 1) {
			return "reason must be 1 to 500 characters."
		}
	case wire.ActionDismiss:
		kept.Violation, kept.Number, kept.Reason = action.Violation, action.Number, action.Reason
		if kept.Violation == "" || len(kept.Violation) > maxActionID || kept.Number < 0 || kept.Number > maxNumber {
			return "violation must be a type, and number not negative."
		}

		if !within(kept.Reason, 1) {
			return "reason must be 1 to 500 characters."
		}
	default:
		return "there is no such kind of action."
	}

	*action = kept

	return ""
}

// within is whether text is UTF-8 of at least the given number of characters, of
// which one is not a space, and at most maxText.
func within(text string, least int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText &&
		(least == 0 || strings.TrimSpace(text) != "")
}
