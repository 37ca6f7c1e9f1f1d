// Package waiter is where a goroutine sleeps that reads many things at once.
package waiter

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Waiter is where a reader sleeps: until its descriptor, a socket or an epoll
// instance of many, is readable, or for a time in which nothing that arrives
// disturbs anybody.
//
// Go's poller watches its descriptors with edge triggers and wakes a thread for
// all that arrives, whether somebody waits for it or not. So it is not given the
// descriptor, but an epoll instance of our own, in which the socket is armed for one
// event at a time: after that it is silent until it is armed again. Arming looks
// at the descriptor (ep_modify in the kernel's fs/eventpoll.c), so what came before
// is an event as well, and no wake-up can be lost.
//
// Times are a timerfd in the same epoll instance. A timer of Go's would wake the
// thread twice: the poller waits in whole milliseconds, rounded down, and then
// for the rest.
type Waiter struct {
	epoll *os.File
	conn  syscall.RawConn
	timer int

	// The reader's own: what waits do, made once so that waiting allocates nothing.
	begin  func() error
	arm    func() error
	start  func() error
	poll   func(fd uintptr) bool
	left   time.Duration
	err    error
	events [2]unix.EpollEvent
}

// New returns a waiter for a descriptor, which stays the caller's. Close must be
// called.
func New(fd int) (_ *Waiter, err error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}

	// Non-blocking is what makes os.NewFile hand it to Go's poller.
	if err := unix.SetNonblock(epoll, true); err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(epoll))
	}

	w := &Waiter{epoll: os.NewFile(uintptr(epoll), "epoll"), timer: -1}

	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()

	if err := w.epoll.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("let Go's poller watch an epoll instance: %w", err)
	}

	if w.conn, err = w.epoll.SyscallConn(); err != nil {
		return nil, err
	}

	if w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}

	// Edge-triggered, it need not be read: setting it again makes it unready.
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, w.timer, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET})
	if err != nil {
		return nil, os.NewSyscallError("epoll_ctl", err)
	}

	// Not armed yet.
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT}); err != nil {
		return nil, os.NewSyscallError("epoll_ctl", err)
	}

	armed := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT}
	w.arm = func() error { return unix.EpollCtl(epoll, unix.EPOLL_CTL_MOD, fd, &armed) }
	w.start = w.startTimer
	w.poll = w.next

	return w, nil
}

// UntilReadable sleeps until there is something (or an error) to be read.
func (w *Waiter) UntilReadable() error { return w.wait(w.arm) }

// Sleep sleeps for a time, whatever comes.
func (w *Waiter) Sleep(d time.Duration) error {
	w.left = d

	return w.wait(w.start)
}

// wait calls begin and sleeps until what it began has happened. Each wait takes
// the one event that it began, so that none is left for the next.
func (w *Waiter) wait(begin func() error) error {
	w.begin, w.err = begin, nil

	if err := w.conn.Read(w.poll); err != nil {
		return err
	}

	return w.err
}

// next is called by Go's poller, first after it forgot earlier events, and again
// after each event. It returns whether the wait is over.
func (w *Waiter) next(epoll uintptr) bool {
	if begin := w.begin; begin != nil {
		w.begin = nil
		w.err = begin()

		return w.err != nil
	}

	// Takes the event, which disarms the descriptor.
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, epoll,
		uintptr(unsafe.Pointer(&w.events[0])), //nolint:gosec // the pattern of unsafe.Pointer for system calls
		uintptr(len(w.events)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		w.err = os.NewSyscallError("epoll_pwait", errno)

		return true
	}

	return errno == 0 && n > 0
}

func (w *Waiter) startTimer() error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(1, w.left)))} // 0 would stop it

	return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(w.timer, 0, &spec, nil))
}

// Close wakes whoever waits, and returns after he has left: os.File waits for its
// users. From then on no wait begins.
func (w *Waiter) Close() error {
	err := w.epoll.Close()

	if w.timer >= 0 {
		err = errors.Join(err, os.NewSyscallError("close", unix.Close(w.timer)))
	}

	return err
}
