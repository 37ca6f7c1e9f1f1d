package socket

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/invigil/invigil/internal/waiter"
)

const (
	// gatherFor is the least time between two rounds of reading while there is much
	// to read: a wake-up costs more than a report. What comes after a longer silence
	// is read at once.
	gatherFor = 4 * time.Millisecond
	// maxEvents bounds a round.
	maxEvents = 256
)

// poller reads for all sockets of a group, in one goroutine.
type poller struct {
	group  *Group
	epoll  int
	waiter *waiter.Waiter
	ended  atomic.Bool
}

func newPoller(group *Group) (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}

	wait, err := waiter.New(epoll)
	if err != nil {
		return nil, fmt.Errorf("wait for sockets: %w", errors.Join(err, unix.Close(epoll)))
	}

	p := &poller{group: group, epoll: epoll, waiter: wait}

	go p.run()

	return p, nil
}

// add watches a socket. It is told once of all that comes until it has read it.
func (p *poller) add(s *Socket) error {
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&(1<<32-1), Fd: int32(s.fd), //nolint:gosec // descriptors are small
	}

	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.fd, &event))
}

func (p *poller) remove(s *Socket) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, s.fd, nil) }

// close lets run end.
func (p *poller) close() {
	p.ended.Store(true)

	_ = p.waiter.Close()
}

func (p *poller) run() {
	defer func() { _ = unix.Close(p.epoll) }()

	events := make([]unix.EpollEvent, maxEvents)

	for last := (time.Time{}); !p.ended.Load(); {
		// Whoever closes ends the wait, too.
		if left := gatherFor - time.Since(last); left > 0 {
			_ = p.waiter.Sleep(left)
		}

		last = time.Now()

		n, _ := unix.EpollWait(p.epoll, events, 0)
		p.round(events[:max(n, 0)])

		if n <= 1 { // Few come, and the next is not to wait for others.
			_ = p.waiter.UntilReadable()
		}
	}
}

func (p *poller) round(events []unix.EpollEvent) {
	const last = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

	for _, event := range events {
		if s := p.group.member(int(event.Fd)); s != nil {
			s.arrived(event.Events&last != 0)
		}
	}
}
