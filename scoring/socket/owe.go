package socket

import (
	"time"

	"github.com/gobwas/ws"
)

// Owe is Answer for a number that stands for all that are lower. It may wait, so
// that many of them cost one write: until something else is sent, until there are
// as many or as old ones as the options say, or until Pay is called.
func (s *Socket) Owe(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed {
		return
	}

	now := time.Now()

	if s.owed = max(s.owed, number); s.owes == 0 {
		s.since = now
	}

	if s.owes++; s.owes >= s.group.options.MostOwed || now.Sub(s.since) >= s.group.options.OwedFor {
		s.pay()
	}
}

// Pay queues what is owed, as Answer does.
func (s *Socket) Pay() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.pay()
}

// pay needs the lock.
func (s *Socket) pay() {
	if number := s.owed; number != 0 {
		s.owed, s.owes = 0, 0
		s.push(ws.OpText, s.group.options.Owed(number))
	}
}

// payLate is for a client that is owed something and says nothing more.
func (s *Socket) payLate(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.owes > 0 && now.Sub(s.since) >= s.group.options.OwedFor {
		s.pay()
		s.hurry()
	}
}
