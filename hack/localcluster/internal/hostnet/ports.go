package hostnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// CheckPortFree fails when something listens on a TCP port of this machine,
// and says what if that can be known.
func CheckPortFree(ctx context.Context, port int) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf(":%d", port))
	if err == nil {
		_ = listener.Close()
		return nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("try port %d: %w", port, err)
	}
	if holder := portHolder(port); holder != "" {
		return fault.New(fault.PortTaken, "port %d is taken by %s", port, holder)
	}
	return fault.New(fault.PortTaken, "port %d is taken by an unknown process", port)
}

// portHolder describes the process that listens on a port, "" if unknown.
func portHolder(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		content, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		inode := listenerInode(string(content), port)
		if inode == "" {
			continue
		}
		links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && target == "socket:["+inode+"]" {
				pid := strings.Split(link, "/")[2]
				name, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
				return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
			}
		}
	}
	return ""
}

// listenerInode finds the socket that listens on a port in the kernel's table
// of TCP sockets, whose lines are "sl local:port remote:port state … inode …".
func listenerInode(table string, port int) string {
	const listening = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listening || !strings.HasSuffix(fields[1], suffix) {
			continue
		}
		if _, err := strconv.ParseUint(fields[9], 10, 64); err == nil {
			return fields[9]
		}
	}
	return ""
}
