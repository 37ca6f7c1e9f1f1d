package process

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stop ends the recorded process, politely at first, and removes its record.
// There being no such process is a success.
func (t Table) Stop(ctx context.Context, name string, patience time.Duration) error {
	record, ok := t.Read(name)
	if !ok {
		return t.Remove(name)
	}
	if record.Running() {
		if err := end(ctx, record, patience); err != nil {
			return fmt.Errorf("stop %s (pid %d): %w", name, record.PID, err)
		}
	}
	return t.Remove(name)
}

// end signals through a pidfd, which stays with the process it was opened for:
// between the check of the record and the signal, the pid cannot change hands.
func end(ctx context.Context, record Record, patience time.Duration) error {
	fd, err := unix.PidfdOpen(record.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if !record.Running() {
		return nil
	}
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, patience}, {syscall.SIGKILL, 10 * time.Second}} {
		if err := unix.PidfdSendSignal(fd, step.signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		ended, err := waitEnd(ctx, fd, step.wait)
		if err != nil || ended {
			return err
		}
	}
	return errors.New("still there after SIGKILL")
}

// waitEnd waits until the process of a pidfd ends; the kernel makes the
// descriptor readable then.
func waitEnd(ctx context.Context, fd int, wait time.Duration) (bool, error) {
	for deadline := time.Now().Add(wait); ; {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		left := min(time.Until(deadline), 200*time.Millisecond)
		if left < 0 {
			return false, nil
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
	}
}
