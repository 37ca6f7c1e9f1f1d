// Package hostnet makes and removes the machine's part of the cluster network:
// bridges, the cable to a namespaced node, routes, packet filter and kernel
// settings. It uses the `ip` and `nft` programs, whose commands can be repeated
// by hand when something has to be understood.
package hostnet

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// run runs a program and returns its output; its complaint is in the error.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return runWith(ctx, "", name, args...)
}

func runWith(ctx context.Context, stdin, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// runAll runs commands, each written as one line, until one fails.
func runAll(ctx context.Context, commands ...string) error {
	for _, command := range commands {
		fields := strings.Fields(command)
		if _, err := run(ctx, fields[0], fields[1:]...); err != nil {
			return err
		}
	}
	return nil
}
