package socket

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lingerTimeout and lingerBytes bound what is still read of a client that is
	// closed for what it sent. Were it left unread, the kernel would reset the
	// connection, and the client might never see why.
	lingerTimeout = time.Second
	lingerBytes   = 64 << 10
)

// End closes the connection, once a client that is still there has what it is to
// be told last. why is what Ended was told.
func (s *Socket) End(why error) {
	var (
		left  *ClosedError
		wrong *violation
	)

	s.mu.Lock()
	s.closed = true // Nobody begins to write from here on.

	if s.closing != nil {
		s.closing.Stop()
	}

	s.mu.Unlock()

	switch {
	case errors.As(why, &left):
		s.writers.Wait()
	case errors.As(why, &wrong):
		s.writers.Wait()
		s.linger()
	default:
		_ = unix.Shutdown(s.fd, unix.SHUT_RDWR) // Whoever still writes need not wait.

		s.writers.Wait()
	}

	s.group.remove(s)
	_ = unix.Close(s.fd)
	s.leave()
}

// linger says that nothing more is written, and waits for the client to do so, too.
func (s *Socket) linger() {
	if unix.Shutdown(s.fd, unix.SHUT_WR) != nil {
		return
	}

	file, err := s.file()
	if err != nil {
		return
	}
	defer file.Close()

	_ = file.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.CopyN(io.Discard, file, lingerBytes)
}

// file is the connection for whoever has to wait for it, which is few. It must be
// closed before the socket is.
func (s *Socket) file() (*os.File, error) {
	fd, err := duplicate(s.fd)
	if err != nil {
		return nil, err
	}

	// It does not block, so it is Go's poller that waits.
	return os.NewFile(uintptr(fd), "socket"), nil
}

func duplicate(fd int) (int, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)

	return copied, os.NewSyscallError("fcntl", err)
}
