package process

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Spec describes a process that should run.
type Spec struct {
	// Name is the name it is recorded under.
	Name string `json:"name"`
	// Command is the program's path and its arguments.
	Command []string `json:"command"`
	// Env is the whole environment: what the caller happens to have set, such as
	// a proxy, must not make a difference to the cluster.
	Env []string `json:"env,omitempty"`
	// Inputs are files the program reads once when it starts: a change of
	// their content is a reason to start it again.
	Inputs []string `json:"inputs,omitempty"`
	// NetworkNamespace is the file of the network namespace to run in; the
	// caller's when empty.
	NetworkNamespace string `json:"networkNamespace,omitempty"`
	// CgroupProcs are the cgroup.procs files to join, so that whatever the
	// process starts can be found again even when it has left its parent.
	CgroupProcs []string `json:"cgroupProcs,omitempty"`
	// Log is the file that gets its output.
	Log string `json:"log"`
}

// fingerprint identifies the command, environment and inputs of the process.
func (s Spec) fingerprint() (string, error) {
	hash := sha256.New()
	encoded, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode spec of %s: %w", s.Name, err)
	}
	_, _ = hash.Write(encoded)
	for _, path := range s.Inputs {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read input of %s: %w", s.Name, err)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n", path, len(content))
		_, _ = hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Fresh reports whether the process runs and was started from this spec with
// these inputs.
func (t Table) Fresh(spec Spec) bool {
	fingerprint, err := spec.fingerprint()
	if err != nil {
		return false
	}
	record, ok := t.Read(spec.Name)
	return ok && record.Running() && record.Fingerprint == fingerprint
}

// LauncherArgument is the first argument that makes this program act as the
// launcher of a process; see Launch.
const LauncherArgument = "launch-process"

// launch is what the launcher needs to know.
type launch struct {
	Spec        Spec   `json:"spec"`
	Table       Table  `json:"table"`
	Fingerprint string `json:"fingerprint"`
}

// Start starts the process and returns once it is recorded. It must not be
// running.
//
// It starts this same program as a launcher, which records itself and then
// becomes the process: pid and start time survive an exec. So there is no
// moment at which the process runs without a record, not even when the caller
// is killed.
func (t Table) Start(spec Spec) error {
	fingerprint, err := spec.fingerprint()
	if err != nil {
		return err
	}
	request, err := json.Marshal(launch{Spec: spec, Table: t, Fingerprint: fingerprint})
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	// The log of the run before is kept, for it may say why there is a new one.
	if err := os.Rename(spec.Log, spec.Log+".old"); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	defer func() { _ = log.Close() }()

	// The launcher closes this pipe by becoming the process, or writes into it
	// why it could not.
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	defer func() { _ = reader.Close() }()
	//nolint:noctx // the process outlives this program, and with it every context
	command := exec.Command("/proc/self/exe", LauncherArgument, string(request))
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{writer}
	command.Dir = "/"
	// Its own session, so that Ctrl-C and a closed terminal do not reach it.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = command.Start()
	_ = writer.Close()
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	// Reaps the process should it end before this program does.
	go func() { _ = command.Wait() }()
	complaint := make([]byte, 4096)
	if n, _ := reader.Read(complaint); n > 0 {
		return fmt.Errorf("start %s: %s", spec.Name, complaint[:n])
	}
	return nil
}
