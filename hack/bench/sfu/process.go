package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	readyTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
)

// process is a server's program, running, with a folder of its own.
type process struct {
	name    string
	command *exec.Cmd
	exited  chan struct{}
	dir     string
}

// newProcess makes the folder, for files that the program wants to find.
func newProcess(name string) (*process, error) {
	dir, err := os.MkdirTemp("", "invigil-bench-"+name+"-")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}

	return &process{name: name, exited: make(chan struct{}), dir: dir}, nil
}

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

// write puts files into the folder.
func (p *process) write(files map[string]string) error {
	for name, content := range files {
		if err := os.WriteFile(p.path(name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write %s's files: %w", p.name, err)
		}
	}

	return nil
}

// start starts the program and returns once ready has no error.
func (p *process) start(ctx context.Context, ready func(context.Context) error, binary string, args ...string) error {
	log, err := os.Create(p.path("log"))
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer log.Close()

	p.command = exec.Command(binary, args...) //nolint:noctx // stop ends it, and lets it finish; a context would kill it
	p.command.Stdout, p.command.Stderr = log, log

	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}

	go func() {
		defer close(p.exited)

		// How it ended is in its log.
		_ = p.command.Wait()
	}()

	return p.wait(ctx, ready)
}

func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()

	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-p.exited:
			return fmt.Errorf("%s ended", p.name)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.name, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process and removes its files; the end of its log is in the
// error if that is asked for.
func (p *process) stop(withLog bool) error {
	var err error

	if withLog {
		// Before the end's own messages.
		log, _ := os.ReadFile(p.path("log"))
		err = fmt.Errorf("the end of %s's log:\n%s", p.name, log[max(0, len(log)-2000):])
	}

	if p.command != nil && p.command.Process != nil {
		// It may have ended by itself.
		_ = p.command.Process.Signal(syscall.SIGTERM)

		select {
		case <-p.exited:
		case <-time.After(stopTimeout):
			_ = p.command.Process.Kill()
			<-p.exited
		}
	}

	return errors.Join(err, os.RemoveAll(p.dir))
}

func (p *process) usage() (usage, error) {
	u, err := readUsage(strconv.Itoa(p.command.Process.Pid))
	if err != nil {
		return u, fmt.Errorf("%s has ended: %w", p.name, err)
	}

	return u, nil
}

// freePort finds a port on loopback that nobody uses, for TCP nor for UDP, and
// that is not other.
func freePort(ctx context.Context, other uint16) (uint16, error) {
	var config net.ListenConfig

	for {
		listener, err := config.Listen(ctx, "tcp", loopback(0))
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}

		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return 0, errors.Join(errors.New("find a free port: not an IP address"), listener.Close())
		}

		port := address.AddrPort().Port()
		socket, taken := config.ListenPacket(ctx, "udp", loopback(port))

		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}

		if taken != nil {
			continue
		}

		if err := socket.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}

		if port != other {
			return port, nil
		}
	}
}

func loopback(port uint16) string { return net.JoinHostPort(loopbackIP, strconv.Itoa(int(port))) }
