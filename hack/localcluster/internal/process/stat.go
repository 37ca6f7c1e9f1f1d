// Package process starts, records and ends the long-running programs of a
// local cluster.
//
// A process is known by its pid, the time it started and the boot it started
// in. A pid alone could belong to anyone by the time it is used again.
package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// BootID identifies the current run of the kernel.
func BootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// stat is the part of /proc/PID/stat that matters here.
type stat struct {
	state     string
	startTime uint64
}

// readStat reads the stat of a process. It fails when there is none.
func readStat(pid int) (stat, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(content))
}

// parseStat reads "pid (name) state ppid … starttime …", where the start time
// is field 22 and the name may itself hold blanks and parentheses.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no name in process stat %q", line)
	}
	fields := strings.Fields(line[end+1:])
	const afterName = 3 // the first field after the name is field 3
	if len(fields) <= 22-afterName {
		return stat{}, fmt.Errorf("process stat %q is too short", line)
	}
	start, err := strconv.ParseUint(fields[22-afterName], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("start time in process stat: %w", err)
	}
	return stat{state: fields[0], startTime: start}, nil
}

// StartTime returns when a process started, in clock ticks since boot.
func StartTime(pid int) (uint64, error) {
	s, err := readStat(pid)
	return s.startTime, err
}

// Alive reports whether pid is a process that started at startTime and has not
// ended. A zombie has ended: only its parent's wait is missing.
func Alive(pid int, startTime uint64) bool {
	s, err := readStat(pid)
	return err == nil && s.startTime == startTime && s.state != "Z" && s.state != "X"
}
