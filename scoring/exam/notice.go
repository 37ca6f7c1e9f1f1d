package exam

import (
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// Notice is what the student who holds a link has to know before joining. Its
// error is a *Refusal, as for Join, but never that the exam is not open yet.
func (e *Exam) Notice(link string) (wire.Notice, error) {
	claims, refusal := e.identify(e.links, token.Join, link)
	if refusal != nil {
		return wire.Notice{}, refusal
	}

	if !e.limits.request(claims.Subject, e.now()) {
		return wire.Notice{}, rateLimited()
	}

	standing, enrolled := e.tracker.Standing(claims.Subject)
	if !enrolled {
		return wire.Notice{}, notEnrolled()
	}

	e.mu.Lock()
	student, evidence := e.roster[claims.Subject], e.config.Evidence
	e.mu.Unlock()

	return wire.Notice{
		Student: student, Exam: e.tracker.Info(claims.Subject), Policy: e.offered(standing.Engine.Policy()),
		Evidence: evidence,
	}, nil
}
