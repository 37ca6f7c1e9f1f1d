//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that the test talks to by lines.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

// program is a command that the end of the test asks to end, by SIGINT: the test's
// context ends just before its clean-up, and a program gets to say goodbye (a
// browser closes its tab).
func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second

	return cmd
}

// start starts a program; the end of the test ends it, by its Cancel first. What
// it writes is kept as <name>.log for a failed test.
func (s *suite) start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()

	log, err := os.Create(filepath.Join(s.artifacts(t), name+".log"))
	if err != nil {
		t.Fatal(err)
	}

	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}

	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	cmd.Stderr = log

	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}

	p := &process{name: name, cmd: cmd, stdin: stdin, lines: make(chan string, 256)}

	go func() {
		defer close(p.lines)

		scanner := bufio.NewScanner(io.TeeReader(stdout, log))
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			select {
			case p.lines <- scanner.Text():
			default: // nobody waits for it; it is in the log
			}
		}
	}()

	t.Cleanup(func() {
		p.stop()
		_ = log.Close()
	})

	return p
}

// stop ends the process and waits until it is gone. Calling it again does nothing.
func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}

	_ = p.stdin.Close()
	_ = p.cmd.Cancel()
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	// How it ended is in its log; that it ended is what matters here.
	_ = p.cmd.Wait()

	kill.Stop()
}

// awaitLine returns the first line that begins with prefix.
func (p *process) awaitLine(t *testing.T, prefix string, timeout time.Duration) string {
	t.Helper()

	deadline := time.After(timeout)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("%s ended before it said %q", p.name, prefix)
			}

			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-deadline:
			t.Fatalf("%s did not say %q within %s", p.name, prefix, timeout)
		}
	}
}

// say sends the process a line.
func (p *process) say(t *testing.T, line string) {
	t.Helper()

	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		t.Fatalf("tell %s %q: %v", p.name, line, err)
	}
}

// openExam runs `kubectl exam open` and returns the exam's address.
func (s *suite) openExam(t *testing.T, exam string) string {
	t.Helper()

	cmd := program(t.Context(), filepath.Join(s.root, "bin", "kubectl-exam"),
		"-n", s.namespace, "open", exam, "--port", "0")
	opened := s.start(t, "open-"+exam, cmd)
	line := opened.awaitLine(t, "Forwarding ", 60*time.Second)

	return strings.TrimSpace(strings.TrimPrefix(line, "Forwarding "))
}

// link is one student's URL on the forwarded address.
func (s *suite) link(t *testing.T, exam, student, address string) string {
	t.Helper()

	base, _, ok := strings.Cut(address, "/x/")
	if !ok {
		t.Fatalf("address %q has no /x/", address)
	}

	table := strings.TrimSpace(s.run(t, "exam", "links", exam, "--student", student, "--base-url", base, "-o", "csv"))
	fields := strings.Split(table[strings.LastIndex(table, "\n")+1:], ",")

	return fields[len(fields)-1]
}
