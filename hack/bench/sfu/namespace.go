package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// A network namespace of our own has nothing in it but loopback, and a bridge
// without ports whose address SFUs can use that leave loopback out. The kernel
// delivers what is sent to it by loopback all the same. It ends with us.
const (
	// namespaceVariable is set in the process that is in it.
	namespaceVariable = "INVIGIL_BENCH_NAMESPACE"
	bridge            = "bench0"
	bridgeIP          = "127.77.0.1"
)

func inNamespace() bool { return os.Getenv(namespaceVariable) != "" }

// ownNamespace has no error in a namespace of our own that is set up.
func ownNamespace() error {
	switch {
	case inNamespace():
		return nil
	case os.Geteuid() != 0:
		return errors.New("it needs a network namespace of its own, and so root")
	default:
		return errors.New("it needs a network namespace of its own, which cannot be made here")
	}
}

// enterNamespace runs this command again in a network namespace of its own and
// returns how it ended; entered is false if there can be none.
func enterNamespace(ctx context.Context) (entered bool, err error) {
	probe := exec.CommandContext(ctx, "/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}

	if err := probe.Run(); err != nil {
		return false, fmt.Errorf("make a network namespace: %w", err)
	}

	again := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:noctx // it gets the signals, and cleans up
	again.Env = append(os.Environ(), namespaceVariable+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET,
		// If we are killed. It is the thread's end that counts.
		Pdeathsig: syscall.SIGTERM,
		// A terminal's Ctrl-C is passed on as other signals are, once.
		Setpgid: true,
	}

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	defer signal.Stop(signals)

	if err := again.Start(); err != nil {
		return false, fmt.Errorf("enter a network namespace: %w", err)
	}

	ended := make(chan error, 1)

	go func() { ended <- again.Wait() }()

	for {
		select {
		case received := <-signals:
			// It may have ended.
			_ = again.Process.Signal(received)
		case err := <-ended:
			return true, err
		}
	}
}

// setUpNamespace brings loopback up, inside.
func setUpNamespace(ctx context.Context) error { return ip(ctx, "link", "set", "lo", "up") }

// addBridge adds the bridge, inside.
func addBridge(ctx context.Context) error {
	for _, args := range [][]string{
		{"link", "add", bridge, "type", "bridge"},
		{"link", "set", bridge, "up"},
		{"addr", "add", bridgeIP + "/32", "dev", bridge},
	} {
		if err := ip(ctx, args...); err != nil {
			return err
		}
	}

	return nil
}

// ip runs the command of that name.
func ip(ctx context.Context, args ...string) error {
	if output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("set up the network namespace: ip %v: %w: %s", args, err, firstLine(output))
	}

	return nil
}
