package socket

import (
	"errors"
	"os"
)

// What a turn of reading ends with, other than the socket's own end.
var (
	// errNothing: the kernel has no more for now.
	errNothing = errors.New("nothing more has come")
	// errElsewhere: another goroutine goes on.
	errElsewhere = errors.New("somebody else reads")
)

// Serve hands what comes to handler from now on, and returns at once.
func (s *Socket) Serve(handler Handler) {
	s.handler = handler

	if err := s.group.add(s); err != nil {
		s.lose(err)
	}

	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()

	go s.arrived(false) // A client may have sent something already.
}

// arrived takes what has come as far as nobody has to be waited for; a goroutine
// does the rest. hung is whether nothing will come after it.
func (s *Socket) arrived(hung bool) {
	s.mu.Lock()

	s.hung = s.hung || hung
	mine := !s.busy
	s.busy, s.again = true, !mine

	s.mu.Unlock()

	if mine {
		s.serve(true)
	}
}

// rest is whether nothing has come since the reader last looked; he may go then.
func (s *Socket) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.busy, s.again = s.again, false

	return !s.busy
}

// maxReads bounds what the goroutine that reads for all does for one at a time.
const maxReads = 4

// serve reads until nothing is there. inLine is whether others wait for it.
func (s *Socket) serve(inLine bool) {
	for s.reads = maxReads; ; {
		s.drained = false

		switch err := s.turn(inLine); {
		case errors.Is(err, errElsewhere):
			return
		case errors.Is(err, errNothing):
			if s.rest() {
				return
			}
		case inLine:
			go s.handler.Ended(err)

			return
		default:
			s.handler.Ended(err)

			return
		}
	}
}

// turn handles messages until it ends with an error.
func (s *Socket) turn(inLine bool) error {
	for {
		message, err := s.receive(inLine)

		switch {
		case errors.Is(err, errElsewhere):
			go s.serve(false)

			return err
		case err != nil:
			return err
		case !inLine:
			s.handler.Take(message)
		case !s.handler.Quick(message):
			s.flush()

			go func() {
				s.handler.Take(message)
				s.serve(false)
			}()

			return errElsewhere
		}
	}
}

// lose ends the socket as soon as whoever reads has looked.
func (s *Socket) lose(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.loseLocked(why)
}

func (s *Socket) loseLocked(why error) {
	if s.lost == nil {
		s.lost = why
	}

	go s.arrived(false)
}

// late loses the connection of a client that has taken too long.
func (s *Socket) late() { s.lose(os.ErrDeadlineExceeded) }
