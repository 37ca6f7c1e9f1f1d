package public

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/invigil/invigil/internal/connlimit"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
)

const (
	// strangerRate and strangerBurst bound joins without a good link, by address: a
	// class that has the wrong links, and no script that guesses.
	strangerRate  = 20
	strangerBurst = 200
	// maxStrangers bounds the addresses that are remembered; all others are one.
	maxStrangers = 10_000
)

// strangers slow down who joins with links that are none. A good link is never
// refused for what others do from its address: whole rooms and ingresses have only
// one, and anybody there could lock everybody out.
type strangers struct {
	now func() time.Time

	mu   sync.Mutex
	seen map[netip.Prefix]*rate.Limiter
}

func newStrangers(now func() time.Time) *strangers {
	return &strangers{now: now, seen: map[netip.Prefix]*rate.Limiter{}}
}

// judge returns the refusal that a join is answered with, which is err unless the
// address has had too many of its kind. Then its connection ends, too.
func (s *strangers) judge(w http.ResponseWriter, r *http.Request, err error) error {
	refusal := (*exam.Refusal)(nil)
	if !errors.As(err, &refusal) || refusal.Code != wire.CodeUnauthenticated || s.allow(connlimit.Client(r.RemoteAddr)) {
		return err
	}

	w.Header().Set("Connection", "close")

	return &exam.Refusal{
		Status: http.StatusTooManyRequests, Code: wire.CodeRateLimited, RetryAfter: time.Second,
		Message: "Too many joins without a valid link came from your address.",
	}
}

func (s *strangers) allow(client netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := s.now()

	if s.seen[client] == nil {
		if len(s.seen) >= maxStrangers {
			s.forget(now)
		}

		if len(s.seen) >= maxStrangers {
			client = netip.Prefix{}
		}
	}

	limiter := s.seen[client]
	if limiter == nil {
		limiter = rate.NewLimiter(strangerRate, strangerBurst)
		s.seen[client] = limiter
	}

	return limiter.AllowN(now, 1)
}

// forget drops those who have behaved for long enough.
func (s *strangers) forget(now time.Time) {
	for client, limiter := range s.seen {
		if limiter.TokensAt(now) >= strangerBurst {
			delete(s.seen, client)
		}
	}
}
