package process

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// complaintFD is the pipe on which the launcher says why it failed.
const complaintFD = 3

// Launch records the calling process and then turns it into the one that the
// request describes. It returns only when that fails.
func Launch(request string) {
	unix.CloseOnExec(complaintFD)
	failure := becomeProcess(request)
	_, _ = fmt.Fprint(os.NewFile(complaintFD, "complaint"), failure)
}

// becomeProcess does not return when it succeeds, for then this program is no
// more; so failure is never nil.
func becomeProcess(request string) (failure error) {
	var l launch
	if err := json.Unmarshal([]byte(request), &l); err != nil {
		return fmt.Errorf("read launch request: %w", err)
	}
	path, err := exec.LookPath(l.Spec.Command[0])
	if err != nil {
		return fmt.Errorf("find program: %w", err)
	}
	pid := strconv.Itoa(os.Getpid())
	for _, procs := range l.Spec.CgroupProcs {
		if err := os.WriteFile(procs, []byte(pid), 0o644); err != nil {
			return fmt.Errorf("join cgroup: %w", err)
		}
	}
	if err := record(l); err != nil {
		return err
	}
	if namespace := l.Spec.NetworkNamespace; namespace != "" {
		// A network namespace belongs to a thread; the exec below makes the
		// calling thread the only one.
		runtime.LockOSThread()
		file, err := os.Open(namespace)
		if err != nil {
			return fmt.Errorf("open network namespace: %w", err)
		}
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", namespace, err)
		}
		_ = file.Close()
	}
	return fmt.Errorf("run %s: %w", path, syscall.Exec(path, l.Spec.Command, l.Spec.Env))
}

// record puts the calling process in the table.
func record(l launch) error {
	boot, err := BootID()
	if err != nil {
		return err
	}
	start, err := StartTime(os.Getpid())
	if err != nil {
		return fmt.Errorf("read own start time: %w", err)
	}
	return l.Table.Write(Record{
		Name:        l.Spec.Name,
		PID:         os.Getpid(),
		StartTime:   start,
		BootID:      boot,
		Fingerprint: l.Fingerprint,
		Command:     l.Spec.Command,
		Log:         l.Spec.Log,
	})
}
