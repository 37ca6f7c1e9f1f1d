package socket

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/invigil/invigil/internal/waiter"
)

// Socket is one UDP port. Read is for one goroutine at a time, everything else
// for any.
type Socket struct {
	fd     int
	family uint16
	local  *net.UDPAddr
	counts counters

	// mutex keeps the descriptor open while it is used: a number that was closed may
	// be somebody else's file a moment later. Users share it and never block, only
	// Close has it alone; so it costs two atomic additions.
	mutex   sync.RWMutex
	closed  bool
	closing sync.Once
	failure error // of Close

	// The reader's own.
	waiter    *waiter.Waiter
	packets   *packets
	datagrams []Datagram
	pause     bool      // after what was read at last there was nothing more
	last      time.Time // when that was
}

// Read returns the next datagrams, up to BatchSize, and waits until there is one.
// Its slice is valid until the next Read.
//
// With a wait of 0 the first datagram wakes the reader. With more, datagrams may
// be left in the kernel for about that long after the read before: nothing is
// woken for them, and they all are returned together. A Read that waits keeps its
// own wait: another holds from the next Read on. However long no datagram comes,
// waiting for one costs nothing.
//
// It fails with net.ErrClosed after Close; other errors are the system's and not
// to be expected, and none of them is about a single datagram or peer.
func (s *Socket) Read(wait time.Duration) ([]Datagram, error) {
	for {
		if s.pause {
			s.pause = false

			if left := wait - time.Since(s.last); wait > 0 && left > 0 {
				if err := s.slept(s.waiter.Sleep(left)); err != nil {
					return nil, err
				}
			}
		}

		n, err := s.receive()
		if err != nil {
			return nil, err
		}

		if n == 0 {
			if err := s.slept(s.waiter.UntilReadable()); err != nil {
				return nil, err
			}

			continue
		}

		if datagrams := s.collect(n); len(datagrams) > 0 {
			return datagrams, nil
		}
	}
}

// slept counts the end of a wait.
func (s *Socket) slept(err error) error {
	if err == nil {
		s.counts.wakeups.Add(1)

		return nil
	}

	s.mutex.RLock()
	defer s.mutex.RUnlock()

	if s.closed {
		return net.ErrClosed
	}

	return fmt.Errorf("wait for datagrams: %w", err)
}

// receive takes what is in the kernel now.
func (s *Socket) receive() (int, error) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()

	if s.closed {
		return 0, net.ErrClosed
	}

	n, errno := s.packets.receive(s.fd)

	switch errno {
	case 0:
		s.counts.batches.Add(1)
		s.pause, s.last = n < BatchSize, time.Now()
	case unix.EAGAIN:
	case unix.EBADF, unix.EFAULT, unix.EINVAL, unix.ENOTSOCK: // would come again and again
		return 0, os.NewSyscallError("recvmmsg", errno)
	default: // something that befell an earlier datagram, and reading it cleared it
		s.pause, s.last = true, time.Now()
	}

	return n, nil
}

// collect makes datagrams of the packets received.
func (s *Socket) collect(n int) []Datagram {
	s.datagrams = s.datagrams[:0]
	truncated := 0

	for i := range n {
		message := &s.packets.headers[i]

		switch {
		case message.header.Flags&unix.MSG_TRUNC != 0:
			truncated++
		case message.length > 0:
			s.datagrams = append(s.datagrams, Datagram{
				From: s.packets.names[i].get(),
				Data: s.packets.data[i][:message.length],
			})
		}
	}

	s.counts.received.Add(uint64(len(s.datagrams)))
	s.counts.truncated.Add(uint64(truncated))

	return s.datagrams
}

// Send sends one datagram at once, from any goroutine. It never blocks: what the
// kernel has no room for is dropped and counted, as it may be anywhere on its
// way. The error is about this datagram only.
func (s *Socket) Send(to netip.AddrPort, data []byte) error {
	var name sockaddr

	length := name.put(s.family, to)
	if length == 0 {
		s.counts.failed.Add(1)

		return fmt.Errorf("send to %s: %w", to, unix.EAFNOSUPPORT)
	}

	s.mutex.RLock()
	defer s.mutex.RUnlock()

	if s.closed {
		return net.ErrClosed
	}

	for {
		switch errno := sendOne(s.fd, data, &name, length); {
		case errno == 0:
			s.counts.sent.Add(1)

			return nil
		case errno == unix.EINTR:
		case noRoom(errno):
			s.counts.dropped.Add(1)

			return nil
		default:
			s.counts.failed.Add(1)

			return fmt.Errorf("send to %s: %w", to, errno)
		}
	}
}

func noRoom(errno syscall.Errno) bool { return errno == unix.EAGAIN || errno == unix.ENOBUFS }

// Addr returns the local address, a *net.UDPAddr.
func (s *Socket) Addr() net.Addr { return s.local }

// Close frees the port. It wakes the reader and waits until he is out of the way;
// closing again is harmless.
func (s *Socket) Close() error {
	s.closing.Do(func() {
		s.mutex.Lock()
		s.closed = true
		s.mutex.Unlock()

		// Nobody is in a system call with the socket now, nor will be, except for the
		// waiting reader, and the waiter's close returns after him.
		s.failure = errors.Join(s.waiter.Close(), os.NewSyscallError("close", unix.Close(s.fd)))
	})

	return s.failure
}
