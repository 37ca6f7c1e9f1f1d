package socket

import (
	"errors"
	"io"
	"time"
)

const (
	// lingerTimeout and lingerBytes bound what is still read of a client that is
	// closed for what it sent. Were it left unread, the kernel would reset the
	// connection, and the client might never see why.
	lingerTimeout = time.Second
	lingerBytes   = 64 << 10
)

// End closes the connection, once a client that is still there has what it is to
// be told last. why is Receive's error.
func (s *Socket) End(why error) {
	defer s.group.remove(s)

	var (
		left  *ClosedError
		wrong *violation
	)

	s.mu.Lock()
	s.closed = true // Nobody begins to write from here on.
	s.mu.Unlock()

	switch {
	case errors.As(why, &left):
		s.writers.Wait()
	case errors.As(why, &wrong):
		s.writers.Wait()
		s.linger()
	}

	_ = s.connection.Close()

	s.writers.Wait()
}

// linger says that nothing more is written, and waits for the client to do so, too.
func (s *Socket) linger() {
	if half, ok := s.connection.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = s.connection.SetReadDeadline(time.Now().Add(lingerTimeout))
		_, _ = io.CopyN(io.Discard, s.connection, lingerBytes)
	}
}
