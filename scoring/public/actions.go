package public

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
)

// Actor does what invigilators want done. Its errors are *exam.Refusal.
type Actor interface {
	// Act does action once for each of its ids, and records by as who did it.
	Act(ctx context.Context, student, by string, action wire.Action) (wire.TakenAction, error)
}

// maxAction bounds the body of an action: two texts of 500 characters, each of at
// most 12 bytes as JSON may escape it, and the rest.
const maxAction = 16 << 10

// act answers POST sessions/<student>/actions.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	who, err := s.invigilators.Check(httpapi.Bearer(r))
	if err != nil {
		writeRefusal(w, tokenRefusal(err))

		return
	}

	student := r.PathValue("student")
	audit := s.audit.With(zap.String("student", student), zap.String("by", who.Name()),
		zap.String("credential", who.Credential))

	action, taken, err := s.take(w, r, student, who.Subject, who.Name())
	// What is written to students is theirs, and not for logs.
	audit = audit.With(zap.String("id", short(action.ID)), zap.String("kind", short(string(action.Kind))))

	if err != nil {
		refusal := (*exam.Refusal)(nil)
		if errors.As(err, &refusal) {
			audit = audit.With(zap.String("code", string(refusal.Code)))
		}

		audit.Warn("action refused", zap.Error(err))
		writeRefusal(w, err)

		return
	}

	audit.Info("action", zap.Int("minutes", action.Minutes), zap.String("violation", action.Violation),
		zap.Int("number", action.Number), zap.Int64("at", taken.At))
	httpapi.WriteJSON(w, http.StatusOK, taken)
}

// take reads an action and has it done. Its error is a *exam.Refusal, or one of
// the actor's own.
func (s *Server) take(
	w http.ResponseWriter, r *http.Request, student, subject, by string,
) (action wire.Action, taken wire.TakenAction, err error) {
	if !s.limits.allow(subject, s.now()) {
		return action, taken, &exam.Refusal{
			Status: http.StatusTooManyRequests, Code: wire.CodeRateLimited, Message: "Too many actions.",
			RetryAfter: time.Second,
		}
	}

	body, err := httpapi.ReadBody(w, r, maxAction)
	if errors.Is(err, httpapi.ErrTooLarge) {
		return action, taken, &exam.Refusal{
			Status: http.StatusRequestEntityTooLarge, Code: wire.CodeTooLarge, Message: "The body is too large.",
		}
	}

	if err != nil || !utf8.Valid(body) || json.Unmarshal(body, &action) != nil {
		return wire.Action{}, taken, badAction("The body is not an action.")
	}

	taken, err = s.actor.Act(r.Context(), student, by, action)

	return action, taken, err
}

// short is what a log needs of a text that may be anything.
func short(text string) string { return text[:min(len(text), 64)] }

func badAction(message string) *exam.Refusal {
	return &exam.Refusal{Status: http.StatusBadRequest, Code: wire.CodeBadRequest, Message: message}
}

const (
	// actionRate and actionBurst bound what one subject does: a room of
	// invigilators that acts on everybody at once, and no script that goes wild.
	actionRate  = 10
	actionBurst = 100
)

// limits are how often each subject does something. There is one at a time: what an older
// configuration admitted is of no account any more.
type limits struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	subject string
	limiter *rate.Limiter
}

func newLimits(perSecond rate.Limit, burst int) *limits {
	return &limits{rate: perSecond, burst: burst}
}

func (l *limits) allow(subject string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.limiter == nil || l.subject != subject {
		l.subject, l.limiter = subject, rate.NewLimiter(l.rate, l.burst)
	}

	return l.limiter.AllowN(now, 1)
}
