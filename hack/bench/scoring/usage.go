package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used until a moment.
type usage struct {
	at  time.Time
	cpu time.Duration
	// rss in bytes.
	rss int64
}

// readUsage reads that of a process. CPU time is the scheduler's own, in
// nanoseconds: the ticks of /proc/pid/stat are too coarse for few sessions.
func readUsage(pid int) (usage, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	u := usage{at: time.Now()}

	threads, err := filepath.Glob(filepath.Join(proc, "task/*/schedstat"))
	if err != nil {
		return usage{}, fmt.Errorf("list threads: %w", err)
	}

	for _, thread := range threads {
		// Go's threads stay; one that has just ended is no loss.
		data, _ := os.ReadFile(thread)
		first, _, _ := strings.Cut(string(data), " ")
		nanoseconds, _ := strconv.ParseInt(first, 10, 64)
		u.cpu += time.Duration(nanoseconds)
	}

	statm, err := os.ReadFile(filepath.Join(proc, "statm"))
	if err != nil {
		return usage{}, fmt.Errorf("read memory: %w", err)
	}

	fields := strings.Fields(string(statm))

	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return usage{}, fmt.Errorf("read memory: %w", err)
	}

	u.rss = pages * int64(os.Getpagesize())

	return u, nil
}
