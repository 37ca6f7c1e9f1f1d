package sfu_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// network is a client's network that reaches a TURN server and nothing else, and
// the TURN server's, between the client and us:
//
//	client -- turnForClient, turnForUs -- we
//
// Nothing forwards between the two: what the client sends to us goes nowhere.
type network struct {
	client, turn                           string // the namespaces
	clientAt, turnForClient, turnForUs, us string
}

// newNetwork makes the namespaces, which are gone at the test's end. It needs
// root.
func newNetwork(t *testing.T) network {
	t.Helper()

	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}

	sweep(t)

	id := os.Getpid()
	// Two networks of 4 addresses, for tests alone (RFC 2544), and this process's.
	at := func(i int) string {
		i += id % (1 << 14) * 8

		return fmt.Sprintf("198.%d.%d.%d", 18+i>>16, i>>8&255, i&255)
	}
	n := network{
		client: fmt.Sprintf("invigil-c-%d", id), turn: fmt.Sprintf("invigil-t-%d", id),
		clientAt: at(1), turnForClient: at(2), turnForUs: at(5), us: at(6),
	}
	link := fmt.Sprintf("inv%d", id)

	for _, namespace := range []string{n.client, n.turn} {
		ip(t, "netns add "+namespace)
		t.Cleanup(func() { ip(t, "netns del "+namespace) }) // and its links
		ip(t, "-n "+namespace+" link set lo up")
	}

	ip(t, "link add c"+link+" netns "+n.client+" type veth peer name t"+link+" netns "+n.turn)
	ip(t, "link add u"+link+" type veth peer name v"+link+" netns "+n.turn)
	t.Cleanup(func() { ip(t, "link del u"+link) }) // the namespace would do so some time later
	ip(t, "-n "+n.client+" addr add "+n.clientAt+"/30 dev c"+link)
	ip(t, "-n "+n.turn+" addr add "+n.turnForClient+"/30 dev t"+link)
	ip(t, "-n "+n.turn+" addr add "+n.turnForUs+"/30 dev v"+link)
	ip(t, "addr add "+n.us+"/30 dev u"+link)
	ip(t, "-n "+n.client+" link set c"+link+" up")
	ip(t, "-n "+n.turn+" link set t"+link+" up")
	ip(t, "-n "+n.turn+" link set v"+link+" up")
	ip(t, "link set u"+link+" up")

	return n
}

func ip(t *testing.T, arguments string) {
	t.Helper()

	// Clean-up comes after the end of the test's context.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()

	if output, err := exec.CommandContext(ctx, "ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v %s", arguments, err, output)
	}
}

// in returns a command that runs in a namespace, and that the test has to end. ip
// becomes it: its process is the command's. It does not outlive us.
func (n network) in(t *testing.T, namespace, name string, arguments ...string) *exec.Cmd {
	t.Helper()

	command := exec.CommandContext(context.WithoutCancel(t.Context()), "ip",
		append([]string{"netns", "exec", namespace, name}, arguments...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	return command
}

// sweep removes what a test process that was killed has left behind.
func sweep(t *testing.T) {
	t.Helper()

	left, err := filepath.Glob("/run/netns/invigil-[ct]-*")
	must(t, err)

	for _, path := range left {
		name := filepath.Base(path)
		owner := name[strings.LastIndexByte(name, '-')+1:]

		if _, err := os.Stat("/proc/" + owner); errors.Is(err, os.ErrNotExist) {
			ip(t, "netns del "+name)
		}
	}
}
