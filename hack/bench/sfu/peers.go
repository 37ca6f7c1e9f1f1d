package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Values of -peers.
const (
	peersAuto = "auto"
	peersNone = "none"
)

// findPeers returns the other SFUs that can be measured here, and says of each
// that cannot why.
func findPeers(ctx context.Context, wanted string) ([]product, error) {
	switch wanted {
	case peersNone:
		return nil, nil
	case peersAuto, janusName:
	default:
		return nil, fmt.Errorf("-peers: %q is none of %s, %s, %s", wanted, peersAuto, peersNone, janusName)
	}

	peer, err := findJanus(ctx)
	if err != nil && wanted == janusName {
		return nil, err
	}

	if err != nil {
		fmt.Printf("%v; the figures with an asterisk are of another time and machine\n", err)

		return nil, nil
	}

	return []product{peer}, nil
}

func findJanus(ctx context.Context) (product, error) {
	binary, err := exec.LookPath("janus")
	if err != nil {
		return product{}, errors.New("janus is not installed (Debian: apt-get install janus)")
	}

	err = ownNamespace()
	if err == nil {
		err = addBridge(ctx)
	}

	if err != nil {
		return product{}, fmt.Errorf("janus is not measured: %w", err)
	}

	return janus(ctx, binary)
}

// peersWanted tells whether there is something to measure in a namespace of our
// own, and what it takes to have one.
func peersWanted(wanted string) bool {
	_, noPeer := exec.LookPath("janus")
	_, noTool := exec.LookPath("ip")

	return wanted != peersNone && noPeer == nil && noTool == nil && os.Geteuid() == 0
}

func firstLine(output []byte) string {
	line, _, _ := strings.Cut(string(output), "\n")

	return strings.TrimSpace(line)
}
