package socket

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/gobwas/ws"
)

// Message is what a client sent.
type Message struct {
	// Text is whether it is text, which then is UTF-8, and not binary.
	Text bool
	// Data is the caller's.
	Data []byte
}

// ClosedError: the client has closed the socket. Code is its close code, 1005 if it
// gave none.
type ClosedError struct{ Code int }

// Own is whether the client has closed of its own will: its page was left.
func (c *ClosedError) Own() bool {
	return c.Code == int(ws.StatusNormalClosure) || c.Code == int(ws.StatusGoingAway)
}

func (c *ClosedError) Error() string { return "the client has closed the socket" }

// receive returns the next message that is there. Control frames are answered here.
// Once Close was called no message is returned any more. Errors: errNothing,
// errElsewhere, or why the socket has ended.
func (s *Socket) receive(inLine bool) (Message, error) {
	for {
		header, payload, err := s.in.frame(s.group.options.MaxMessage)

		switch {
		case errors.Is(err, errNotWhole):
			if err := s.fill(inLine); err != nil {
				return Message{}, err
			}

			continue
		case err != nil:
			return Message{}, s.fail(err)
		}

		s.heard.Store(true)

		if header.OpCode.IsControl() {
			if err := s.control(header.OpCode, payload); err != nil {
				return Message{}, err
			}

			continue
		}

		kind, data, whole, err := s.in.join(header, payload)
		if err != nil {
			return Message{}, s.fail(err)
		}

		if whole && !s.isClosed() {
			return Message{Text: kind == ws.OpText, Data: data}, nil
		}
	}
}

// control answers a control frame. Of several pings that came together the last
// gets a pong, which stands for all.
func (s *Socket) control(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		s.ping = payload
	case ws.OpClose:
		code, err := closeCode(payload)
		if err != nil {
			return s.fail(err)
		}

		s.flush() // What was answered before it came.
		s.echo(code)

		return &ClosedError{Code: int(code)}
	}

	return nil
}

// fail closes with what the client did wrong.
func (s *Socket) fail(err error) error {
	wrong := (*violation)(nil)
	if errors.As(err, &wrong) {
		s.Close(int(wrong.code), wrong.text)
	}

	return err
}

// chunks are lent while bytes are copied out of the kernel, so that nobody who is
// waited for has a buffer.
var chunks = sync.Pool{New: func() any { return new([4 << 10]byte) }} //nolint:gochecknoglobals // shared by all sockets

// fill writes what was answered, and takes more bytes from the kernel. Errors as
// for receive.
func (s *Socket) fill(inLine bool) error {
	if s.ping != nil {
		s.enqueue(ws.OpPong, s.ping)
		s.ping = nil
	}

	s.flush()

	hung, lost := s.state()

	switch {
	case lost != nil:
		return lost
	case s.drained && !hung:
		return errNothing
	case inLine && s.reads == 0:
		return errElsewhere
	}

	s.reads--

	chunk, _ := chunks.Get().(*[4 << 10]byte)
	defer chunks.Put(chunk)

	n, err := ignoringEINTR(syscall.Read, s.fd, chunk[:])

	switch {
	case errors.Is(err, syscall.EAGAIN):
		return errNothing
	case err != nil:
		return err //nolint:wrapcheck // nobody is told
	case n == 0:
		return io.EOF
	}

	s.in.unread = append(s.in.unread, chunk[:n]...)
	s.drained = n < len(chunk) // What comes from now on is told.

	return nil
}

func (s *Socket) state() (hung bool, lost error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.hung, s.lost
}

func ignoringEINTR(call func(fd int, p []byte) (int, error), fd int, p []byte) (n int, err error) {
	for {
		if n, err = call(fd, p); !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
