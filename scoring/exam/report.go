package exam

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// maxViolations bounds one report: a page has eight types to tell of, and may
// have gathered some while it was offline.
const maxViolations = 64

// Report takes a report of a page, answers it on conn, and says whether it was
// taken. One that was refused for its rate is not acknowledged, so that the page
// sends it again; its error is then a *Refusal, as for any that is not counted.
func (e *Exam) Report(ctx context.Context, caller Caller, conn session.Conn, message wire.ClientMessage) error {
	if done, err := e.Hear(caller, conn, message); done {
		return err
	}

	return e.Count(ctx, caller, conn, message)
}

// Hear is the part of Report that waits for nobody, and for nearly all reports it is
// all of it. Unless done, Count must follow.
func (e *Exam) Hear(caller Caller, conn session.Conn, message wire.ClientMessage) (done bool, err error) {
	if len(message.Violations) > maxViolations {
		return true, badRequest("a report holds at most 64 violations.")
	}

	began, now := time.Now(), e.now()
	if !e.limits.report(caller.Student, now) {
		e.metrics.Reports.WithLabelValues("rate_limited").Inc()

		return true, rateLimited()
	}

	if len(message.Violations) > 0 || !e.tracker.Heard(caller.Student, caller.SID, conn, message, now.UnixMilli()) {
		return false, nil
	}

	e.metrics.ReportSeconds.Observe(time.Since(began).Seconds())
	e.counted.Inc()

	return true, nil
}

// Count is the part of Report that asks the store.
func (e *Exam) Count(ctx context.Context, caller Caller, conn session.Conn, message wire.ClientMessage) error {
	began := time.Now()
	defer func() { e.metrics.ReportSeconds.Observe(time.Since(began).Seconds()) }()

	now := e.now()

	standing, enrolled := e.tracker.Standing(caller.Student)
	if !enrolled {
		return notEnrolled()
	}

	candidates, err := standing.Engine.Check(message.Violations)
	if unknown := (*policy.UnknownTypeError)(nil); errors.As(err, &unknown) {
		e.metrics.Reports.WithLabelValues("unknown_violation").Inc()

		return refuse(400, wire.CodeUnknownViolation, wire.CloseBadMessage, unknown.Error())
	}

	// A pause is no time of the exam: the report is taken, and its signs are not.
	if !standing.Counts {
		candidates = nil
	}

	outcome, err := e.store.Report(ctx, store.Report{
		Student: caller.Student, SID: caller.SID, Seq: message.Seq,
		At: now.UnixMilli(), ExpireAt: e.ExpireAt(),
		Live: standing.Live, Violations: candidates,
	})
	if err != nil {
		// Not acknowledged: the page sends it again.
		e.log.Error("report failed", zap.String("student", caller.Student), zap.Error(err))

		return internal()
	}

	e.metrics.Reports.WithLabelValues(string(outcome.Status)).Inc()

	if outcome.Status == store.Counted && len(candidates) > 0 {
		e.count(caller, candidates, outcome)
	}

	e.tracker.Reported(caller.Student, conn, message, now.UnixMilli(), outcome)

	if outcome.Status == store.Replaced {
		return replaced()
	}

	return nil
}

func (e *Exam) count(caller Caller, candidates []policy.Candidate, outcome store.Outcome) {
	suppressed := map[string]int{}
	for _, candidate := range candidates {
		suppressed[candidate.Type]++
	}

	for _, violation := range outcome.Counted {
		suppressed[violation]--
		e.metrics.Violations.WithLabelValues(violation).Inc()
		e.log.Info("violation", zap.String("student", caller.Student), zap.String("sid", caller.SID),
			zap.String("type", violation))
	}

	for violation, count := range suppressed {
		e.metrics.Suppressed.WithLabelValues(violation).Add(float64(count))
	}
}
