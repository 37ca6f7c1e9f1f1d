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

// Receive writes what was answered, and waits for the next message. Control
// frames are answered here. Once Close was called no message is returned any more.
// It fails when the socket has ended, with *ClosedError if its client has said so; then
// End must be called.
func (s *Socket) Receive() (Message, error) {
	s.flush()

	for {
		header, payload, err := s.in.frame(s.group.options.MaxMessage)

		switch {
		case errors.Is(err, errNotWhole):
			if err := s.fill(); err != nil {
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

// fill waits for more bytes.
func (s *Socket) fill() error {
	if s.ping != nil {
		s.enqueue(ws.OpPong, s.ping)
		s.ping = nil
		s.flush()
	}

	s.fault = nil
	if err := s.raw.Read(s.ready); err != nil {
		return err //nolint:wrapcheck // nobody is told
	}

	return s.fault
}

// read takes bytes that are there and says whether that is all that is waited
// for.
func (s *Socket) read(fd uintptr) bool {
	chunk, _ := chunks.Get().(*[4 << 10]byte)
	defer chunks.Put(chunk)

	for {
		n, err := syscall.Read(int(fd), chunk[:])

		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false
		case err != nil:
			s.fault = err
		case n == 0:
			s.fault = io.EOF
		default:
			s.in.unread = append(s.in.unread, chunk[:n]...)
		}

		return true
	}
}
