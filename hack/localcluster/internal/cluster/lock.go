package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock makes the state folder and takes it for this process alone. The kernel
// releases it when the process ends, however it ends.
func (c *Cluster) lock(ctx context.Context) (unlock func(), err error) {
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for first := true; ; first = false {
		// Certificates and keys are inside.
		if err := os.MkdirAll(c.State, 0o711); err != nil {
			return nil, fmt.Errorf("make state folder: %w", err)
		}
		dir, err := os.Open(c.State)
		if err != nil {
			return nil, fmt.Errorf("open state folder: %w", err)
		}
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && c.isStateFolder(dir) {
			return func() { _ = dir.Close() }, nil
		}
		_ = dir.Close()
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, fmt.Errorf("lock state folder: %w", err)
		}
		if first {
			c.Report("waiting for another command to finish")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-poll.C:
		}
	}
}

// isStateFolder reports whether an open folder is still the state folder:
// `down` may have removed it while we waited.
func (c *Cluster) isStateFolder(dir *os.File) bool {
	opened, err := dir.Stat()
	if err != nil {
		return false
	}
	current, err := os.Stat(c.State)
	return err == nil && os.SameFile(opened, current)
}
