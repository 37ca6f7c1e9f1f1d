package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 8 * time.Second
	pollInterval = 20 * time.Millisecond
)

// part is one process of the stack; it may be ended and started again.
type part struct {
	name  string
	path  string
	args  []string
	stdin string
	dir   string
	ready func(context.Context) error

	running *exec.Cmd
	ended   chan struct{}
}

// start runs the part and waits until it is ready.
func (p *part) start(ctx context.Context) error {
	if p.running != nil {
		return fmt.Errorf("%s runs already", p.name)
	}

	log, err := os.OpenFile(filepath.Join(p.dir, p.name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.name, err)
	}
	defer log.Close()

	// Not bound to ctx: stop ends it, in order and by its recorded process.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.path, p.args...)
	cmd.Stdin = strings.NewReader(p.stdin)
	cmd.Stdout, cmd.Stderr = log, log
	// A Ctrl-C at the terminal is for this program, which then ends its parts.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}

	ended := make(chan struct{})
	p.running, p.ended = cmd, ended

	go func() {
		defer close(ended)

		// How it ended is in its log and its state.
		_ = cmd.Wait()
	}()

	return p.awaitReady(ctx)
}

func (p *part) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %s: %w", p.name, startTimeout, err)
		case <-p.ended:
			return fmt.Errorf("%s ended at its start (%s); see %s.log", p.name, p.running.ProcessState, p.name)
		case <-time.After(pollInterval):
		}
	}
}

// stop ends the part with sig, and at once if that takes too long.
func (p *part) stop(sig os.Signal) error {
	if p.running == nil {
		return nil
	}

	process := p.running.Process
	if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}

	var err error

	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		err = errors.Join(fmt.Errorf("%s did not end within %s", p.name, stopTimeout), process.Kill())
		<-p.ended
	}

	p.running = nil

	return err
}
