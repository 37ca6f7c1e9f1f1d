package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used until a moment.
type usage struct {
	at time.Time
	// cpu is user and system time of all threads.
	cpu time.Duration
	// rss in bytes.
	rss int64
	// switches are voluntary context switches of all threads: how often one went
	// to sleep, and had to be woken.
	switches int64
}

// clockTick is what proc_pid_stat(5) counts CPU time in: USER_HZ is 100 on all
// of Go's Linux platforms.
const clockTick = 10 * time.Millisecond

// readUsage reads that of the process pid, or "self".
func readUsage(pid string) (usage, error) {
	proc := filepath.Join("/proc", pid)

	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return usage{}, fmt.Errorf("read usage: %w", err)
	}

	u := usage{at: time.Now()}
	// The program's name in parentheses, which may hold anything, is field 2.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	field := func(n int) int64 {
		value, parseErr := strconv.ParseInt(fields[n-3], 10, 64)
		err = errors.Join(err, parseErr)

		return value
	}
	u.cpu = time.Duration(field(14)+field(15)) * clockTick
	u.rss = field(24) * int64(os.Getpagesize())

	if err != nil {
		return usage{}, fmt.Errorf("read stat: %w", err)
	}

	threads, err := filepath.Glob(filepath.Join(proc, "task/*/status"))
	if err != nil {
		return usage{}, fmt.Errorf("list threads: %w", err)
	}

	for _, thread := range threads {
		// A thread that has just ended is no loss.
		status, _ := os.ReadFile(thread)
		_, rest, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(rest, "\n")
		count, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		u.switches += count
	}

	return u, nil
}

// socketDrops is how many datagrams the kernel has dropped because a socket's
// buffer was full: anybody's in this network namespace.
func socketDrops() (int64, error) {
	data, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0, fmt.Errorf("count dropped datagrams: %w", err)
	}

	var names []string

	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)

		switch {
		case len(fields) == 0 || fields[0] != "Udp:":
		case names == nil:
			names = fields
		default:
			i := slices.Index(names, "RcvbufErrors")
			if i < 0 || i >= len(fields) {
				return 0, errors.New("count dropped datagrams: no RcvbufErrors")
			}

			return strconv.ParseInt(fields[i], 10, 64) //nolint:wrapcheck // the kernel's own number
		}
	}

	return 0, errors.New("count dropped datagrams: the kernel does not say")
}
