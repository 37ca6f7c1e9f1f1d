package exam

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how often one session may ask.
type Limits struct {
	// Reports and ReportBurst bound reports. A page sends one per 2.5 s and one
	// per violation; the burst lets it catch up after two minutes without net.
	Reports     rate.Limit
	ReportBurst int
	// Requests and RequestBurst bound joins and WHIP requests together.
	Requests     rate.Limit
	RequestBurst int
}

// DefaultLimits are used for what Options leave out.
var DefaultLimits = Limits{Reports: 20, ReportBurst: 60, Requests: 5, RequestBurst: 30} //nolint:gochecknoglobals // constant

// limiters hold every session's limits. They belong to the student, so that a
// new socket or another device does not start afresh.
type limiters struct {
	limits Limits

	mu        sync.Mutex
	byStudent map[string]*pair
}

type pair struct{ reports, requests *rate.Limiter }

func newLimiters(limits Limits) *limiters {
	if limits.Reports == 0 {
		limits.Reports, limits.ReportBurst = DefaultLimits.Reports, DefaultLimits.ReportBurst
	}

	if limits.Requests == 0 {
		limits.Requests, limits.RequestBurst = DefaultLimits.Requests, DefaultLimits.RequestBurst
	}

	return &limiters{limits: limits, byStudent: map[string]*pair{}}
}

func (l *limiters) get(student string) *pair {
	l.mu.Lock()
	defer l.mu.Unlock()

	p, ok := l.byStudent[student]
	if !ok {
		p = &pair{
			reports:  rate.NewLimiter(l.limits.Reports, l.limits.ReportBurst),
			requests: rate.NewLimiter(l.limits.Requests, l.limits.RequestBurst),
		}
		l.byStudent[student] = p
	}

	return p
}

func (l *limiters) forget(student string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	delete(l.byStudent, student)
}

func (l *limiters) report(student string, now time.Time) bool {
	return l.get(student).reports.AllowN(now, 1)
}

func (l *limiters) request(student string, now time.Time) bool {
	return l.get(student).requests.AllowN(now, 1)
}
