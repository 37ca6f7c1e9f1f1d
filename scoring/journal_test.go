package scoring_test

import (
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowDisk is a journal's file on a disk that takes nothing: a pipe that is full.
type slowDisk struct {
	t      *testing.T
	folder string
	reader *os.File
	group  sync.WaitGroup
}

// newSlowDisk returns one that is full once scoring, started next with its folder,
// has opened it.
func newSlowDisk(t *testing.T) *slowDisk {
	t.Helper()

	d := &slowDisk{t: t, folder: t.TempDir()}
	path := filepath.Join(d.folder, url.PathEscape(examName)+".journal")

	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}

	d.group.Go(func() {
		// Each waits for scoring's other end: it reads what an earlier process has
		// left, which is nothing, and then opens the file for writing.
		writer, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			writer.Close()

			d.reader, err = os.OpenFile(path, os.O_RDONLY, 0)
		}

		if err == nil {
			err = fill(path)
		}

		if err != nil {
			t.Error(err)
		}
	})

	return d
}

// fill writes to a pipe until it takes no more.
func fill(path string) error {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)

	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); errors.Is(err, syscall.EAGAIN) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// mend lets the disk take everything until the test ends.
func (d *slowDisk) mend() {
	d.group.Go(func() { _, _ = io.Copy(io.Discard, d.reader) })
}

// TestJournalIsWaitedForByPagesOnly lets Redis stall and the journal's disk take
// nothing. Walls hear of a violation all the same; its page, and what stands as
// evidence, wait.
func TestJournalIsWaitedForByPagesOnly(t *testing.T) {
	disk, c := newSlowDisk(t), newCluster(t)
	b := recorded(t, func(b *bench) {
		b.config.Invigilators = c.config(t)
		b.journal = disk.folder
	})
	disk.group.Wait()

	// After scoring, whose end of the pipe is its end.
	t.Cleanup(func() {
		disk.mend()
		b.stop()
		disk.group.Wait()
		disk.reader.Close()
	})

	w := b.watch(c.token(t, time.Hour, nil))
	stays, returns := b.join("s1", "d").Token, b.join("s2", "d").Token
	page, lost := b.dial(stays), b.dial(returns)
	page.await("welcome")
	lost.await("welcome")
	b.redis.Stall()
	t.Cleanup(b.redis.Resume)

	var answered atomic.Bool

	report := func(s *socket) {
		s.report(1, "MultipleFaces")
		disk.group.Go(func() {
			for {
				message, err := s.read()

				answered.Store(true)

				if err != nil || message.Type == "ack" {
					if message.Seq != 1 {
						t.Errorf("acknowledged %+v, %v", message, err)
					}

					return
				}
			}
		})
	}

	report(page)
	lost.report(1, "MultipleFaces")

	for range 2 {
		if got := w.await("violation"); got.Number != 1 || *got.Score != 30 {
			t.Errorf("violation %+v", got)
		}
	}

	// A page that comes back meanwhile must send its report again.
	again := b.dial(returns)
	if got := again.await("welcome"); got.Seq != 0 || *got.Score != 30 {
		t.Errorf("welcome %+v, and report 1 is not on disk", got)
	}

	report(again)

	if got := b.watch(c.token(t, time.Hour, nil)).await("snapshot"); got.Sessions[0].Score != 30 || got.Sessions[1].Score != 30 {
		t.Errorf("snapshot %+v", got.Sessions)
	}

	for _, student := range []string{"s1", "s2"} {
		if _, recorded := b.records(student)["v-MultipleFaces-1"]; recorded {
			t.Errorf("%s: on record before it was on disk", student)
		}
	}

	if answered.Load() {
		t.Error("a page was answered before its report was on disk")
	}

	disk.mend()
	b.onRecord("s1", "v-MultipleFaces-1")
	b.onRecord("s2", "v-MultipleFaces-1")
}
