package socket

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/gobwas/ws"

	"github.com/invigil/invigil/internal/wire"
)

// Send queues text that the client is to have now. One that finds the queue full
// closes the socket with wire.CloseTooSlow.
func (s *Socket) Send(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.push(ws.OpText, text)
	s.hurry()
}

// Answer is Send for what answers the message that the handler was given last: it
// is written by whoever reads, once that returns.
func (s *Socket) Answer(text []byte) { s.enqueue(ws.OpText, text) }

// Close queues a close frame behind what is queued already, or in its place if
// the client reads too slowly for that. The first close counts. The client's own
// close frame is waited for, but not for long.
func (s *Socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.close(code, reason)
}

func (s *Socket) enqueue(op ws.OpCode, payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.push(op, payload)
}

// push, hurry and close need the lock.
func (s *Socket) push(op ws.OpCode, payload []byte) {
	s.pay() // It is written with what comes now.

	switch {
	case s.closed:
	case len(s.queue) == queueLength:
		s.close(wire.CloseTooSlow, "reads too slowly")
	default:
		s.queue = append(s.queue, ws.MustCompileFrame(ws.NewFrame(op, true, payload)))
	}
}

// hurry sees to it that what is queued is written.
func (s *Socket) hurry() {
	if !s.writing && len(s.queue) > 0 {
		s.writing = true
		s.writers.Go(func() { s.write(s.next()) })
	}
}

func (s *Socket) close(code int, reason string) {
	if s.closed {
		return
	}

	if code == wire.CloseTooSlow {
		s.queue = nil
	} else {
		s.pay()
	}

	s.goodbye(ws.NewCloseFrameBody(ws.StatusCode(code), reason)) //nolint:gosec // close codes have 16 bits
	s.group.options.Closed(code)
}

// echo answers the client's close frame, after which it wants nothing else.
func (s *Socket) echo(code ws.StatusCode) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed {
		return // It is the answer itself.
	}

	var body []byte
	if code != ws.StatusNoStatusRcvd {
		body = ws.NewCloseFrameBody(code, "")
	}

	s.queue = nil
	s.goodbye(body)
}

// goodbye queues the last frame. The client may take the write time-out to get it,
// and as long again to answer. It needs the lock.
func (s *Socket) goodbye(body []byte) {
	s.closed = true
	s.queue = append(s.queue, ws.MustCompileFrame(ws.NewCloseFrame(body)))
	s.hurry()

	s.closing = time.AfterFunc(2*s.group.options.WriteTimeout, s.late)
}

// flush writes what is queued, as far as the kernel takes it at once. A writer of
// its own waits for the rest.
func (s *Socket) flush() {
	s.mu.Lock()
	mine := !s.writing && len(s.queue) > 0
	s.writing = s.writing || mine
	s.mu.Unlock()

	for mine {
		frame := s.next()
		if frame == nil {
			return
		}

		if rest := s.try(frame); len(rest) > 0 {
			s.writers.Go(func() { s.write(rest) })

			return
		}
	}
}

// maxJoined bounds the frames that are written at once, in bytes, unless the first
// of them is larger.
const maxJoined = 4 << 10

// next is what to write next, several frames if they are small; nil if there is
// nothing, and then nobody is writing.
func (s *Socket) next() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()

	if len(s.queue) == 0 {
		s.writing = false

		return nil
	}

	frames, count := s.queue[0], 1

	for ; count < len(s.queue) && len(frames)+len(s.queue[count]) <= maxJoined; count++ {
		frames = append(frames, s.queue[count]...)
	}

	s.queue = slices.Delete(s.queue, 0, count)

	if len(s.queue) == 0 && cap(s.queue) > 2 {
		s.queue = nil // It was a burst.
	}

	return frames
}

// try returns what the kernel does not take of frame. What is wrong is said to
// whoever writes that.
func (s *Socket) try(frame []byte) []byte {
	n, _ := ignoringEINTR(syscall.Write, s.fd, frame)

	return frame[max(n, 0):]
}

// write waits for the client to take frame and everything that is queued.
func (s *Socket) write(frame []byte) {
	for ; frame != nil; frame = s.next() {
		if rest := s.try(frame); len(rest) > 0 {
			if err := s.await(rest); err != nil {
				s.abandon(errors.Is(err, os.ErrDeadlineExceeded))

				return
			}
		}
	}
}

// await waits for the client to take a frame.
func (s *Socket) await(frame []byte) error {
	file, err := s.file()
	if err != nil {
		return err
	}
	defer file.Close()

	_ = file.SetWriteDeadline(time.Now().Add(s.group.options.WriteTimeout))
	_, err = file.Write(frame)

	return err //nolint:wrapcheck // nobody is told
}

// abandon gives the connection up.
func (s *Socket) abandon(slow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if slow && !s.closed {
		s.group.options.Closed(wire.CloseTooSlow) // Which it will not read either.
	}

	s.closed, s.queue = true, nil
	s.loseLocked(os.ErrDeadlineExceeded)
}

func (s *Socket) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.closed
}
