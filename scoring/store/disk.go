package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/metrics"
)

const (
	// defaultCompactAt is the size from which the file is written anew without what it
	// says twice: most of it are reports that counted nothing.
	defaultCompactAt = 64 << 20
	// commitInterval is the least time between two commits, on a disk that is
	// faster than that.
	commitInterval = 5 * time.Millisecond
	// lockPatience is how long an earlier process may take to end, lockInterval
	// how often that is looked for.
	lockPatience = 30 * time.Second
	lockInterval = 100 * time.Millisecond
)

// disk is the journal's file. What is appended is committed, written and synced,
// by one goroutine that takes all that has gathered: a disk that syncs 100 times
// a second keeps up with any number of students.
//
// A disk that fails does not stop an exam: the journal is then in memory alone,
// as it is without a folder, and that is logged and counted.
type disk struct {
	path    string
	file    *os.File
	lock    *os.File
	log     *zap.Logger
	metrics *metrics.Set
	// content returns the lines that say what the file has to say. It may call
	// forget.
	content func() []line
	// size is of the file, compacted what it was after it was written anew. Only
	// run touches them.
	size, compacted int64
	compactAt       int64

	mu     sync.Mutex
	buffer []byte
	// empty is whether the file is to be emptied before buffer is written.
	empty bool
	// committed is closed with the next commit; nil: nobody waits for one.
	committed chan struct{}
	// busy is whether run takes care of buffer, idle whether it has ended.
	busy bool
	idle sync.WaitGroup
}

// openDisk opens the file and returns what it holds. It drops a tail that is not
// whole. Errors: the file cannot be read or made, or another process
// has it for longer than patience.
func openDisk(path string, patience time.Duration, log *zap.Logger, set *metrics.Set) (*disk, []line, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}

	// A lock of its own: the file is replaced.
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}

	for until := time.Now().Add(patience); ; time.Sleep(lockInterval) {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || time.Now().After(until) {
			break
		}
	}

	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("journal: another process has %s: %w", path, err), lock.Close())
	}

	d := &disk{path: path, lock: lock, log: log, metrics: set, compactAt: defaultCompactAt}

	lines, err := d.read()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("journal: %w", err), lock.Close())
	}

	return d, lines, nil
}

// read opens the file for appending.
func (d *disk) read() ([]line, error) {
	data, err := os.ReadFile(d.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err //nolint:wrapcheck // the caller says what it was about
	}

	lines, whole := readFrames(data)

	d.file, err = os.OpenFile(d.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}

	if whole < len(data) {
		d.log.Warn("the journal's end is not whole", zap.Int("bytes", len(data)-whole))

		err = d.file.Truncate(int64(whole))
	}

	d.size = int64(whole)
	d.metrics.JournalBytes.Set(float64(d.size))

	return lines, errors.Join(err, syncFolder(d.path))
}

// append returns what is closed once the line is committed.
func (d *disk) append(lines ...line) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()

	for _, l := range lines {
		d.buffer = appendFrame(d.buffer, l)
	}

	return d.commit()
}

// forget empties the file, and drops what is not committed yet. Its end is not
// waited for: doing again what it says changes nothing.
func (d *disk) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()

	d.buffer, d.empty = d.buffer[:0], true
	d.commit()
}

// pending is what is closed once everything appended so far is committed.
func (d *disk) pending() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()

	return d.commit()
}

// commit sees that run comes by. It needs the lock.
func (d *disk) commit() <-chan struct{} {
	if d.committed == nil {
		d.committed = make(chan struct{})
	}

	if !d.busy {
		d.busy = true
		d.idle.Go(d.run)
	}

	return d.committed
}

// close waits for the last commit.
func (d *disk) close() error {
	d.idle.Wait()

	return errors.Join(d.file.Close(), d.lock.Close())
}

func (d *disk) run() {
	var spare []byte

	for {
		began := time.Now()

		d.mu.Lock()

		if d.committed == nil {
			d.busy = false
			d.mu.Unlock()

			return
		}

		buffer, empty, committed := d.buffer, d.empty, d.committed
		d.buffer, d.empty, d.committed = spare[:0], false, nil
		d.mu.Unlock()

		if err := d.write(buffer, empty); err != nil {
			d.failed(err)
		}

		close(committed)

		if d.size > max(d.compactAt, 2*d.compacted) {
			if err := d.compact(); err != nil {
				d.failed(err)
			}
		}

		d.metrics.JournalBytes.Set(float64(d.size))

		spare = buffer

		time.Sleep(time.Until(began.Add(commitInterval)))
	}
}

func (d *disk) failed(err error) {
	d.metrics.JournalErrors.Inc()
	d.log.Error("the journal cannot be written to disk; it goes on in memory", zap.Error(err))
}

func (d *disk) write(buffer []byte, empty bool) error {
	if empty {
		if err := d.file.Truncate(0); err != nil {
			return err //nolint:wrapcheck // logged as it is
		}

		d.size, d.compacted = 0, 0
	}

	if len(buffer) > 0 {
		written, err := d.file.Write(buffer)
		if err != nil {
			// Part of a frame would hide what comes after it.
			return errors.Join(err, d.file.Truncate(d.size))
		}

		d.size += int64(written)
	}

	return d.file.Sync() //nolint:wrapcheck // logged as it is
}
