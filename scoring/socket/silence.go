package socket

import (
	"time"

	"github.com/gobwas/ws"
)

// looks is how many times per ping interval the group looks who is silent: one
// timer for all, that costs nothing to whoever has said something.
const looks = 4

func (g *Group) lookLater() { time.AfterFunc(g.options.PingInterval/looks, g.look) }

// look finds clients that vanished without a word: one that is silent for an
// interval gets a ping, and loses its connection if it sends no frame within
// another one.
func (g *Group) look() {
	g.mu.Lock()
	defer g.mu.Unlock()

	if g.looking = len(g.members) > 0; !g.looking {
		return
	}

	g.lookLater()

	now := time.Now()

	for _, s := range g.members {
		s.payLate(now)

		if s.heard.Swap(false) {
			s.quiet = 0

			continue
		}

		switch s.quiet++; s.quiet {
		case looks:
			s.enquire()
		case 2 * looks:
			s.abandon(false)
		}
	}
}

// enquire sends a ping.
func (s *Socket) enquire() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.push(ws.OpPing, nil)
	s.hurry()
}
