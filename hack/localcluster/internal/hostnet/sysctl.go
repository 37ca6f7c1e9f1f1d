package hostnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const sysctlRoot = "/proc/sys"

// changedSettings are the kernel settings that a running cluster changes: the
// first two by this program, the others by the kubelet.
var changedSettings = []string{
	"net/ipv4/ip_forward",
	"net/bridge/bridge-nf-call-iptables",
	"vm/overcommit_memory",
	"vm/panic_on_oom",
	"kernel/panic",
	"kernel/panic_on_oops",
	"kernel/keys/root_maxkeys",
	"kernel/keys/root_maxbytes",
}

// LoadBridgeFilter makes the kernel show bridged packets to the packet filter.
// Without it a pod that reaches another pod of its own node through a service
// gets answers from an address it did not ask.
func LoadBridgeFilter(ctx context.Context) error {
	path := filepath.Join(sysctlRoot, "net/bridge/bridge-nf-call-iptables")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := runAll(ctx, "modprobe br_netfilter"); err != nil {
		return fmt.Errorf("the kernel lacks br_netfilter: %w", err)
	}
	return nil
}

// ReadSettings returns the current values of the settings that a cluster
// changes; those the kernel does not have are left out.
func ReadSettings() map[string]string {
	values := map[string]string{}
	for _, name := range changedSettings {
		if content, err := os.ReadFile(filepath.Join(sysctlRoot, name)); err == nil {
			values[name] = strings.TrimSpace(string(content))
		}
	}
	return values
}

// EnsureSettings sets what routing needs.
func EnsureSettings() error {
	return WriteSettings(map[string]string{
		"net/ipv4/ip_forward":                "1",
		"net/bridge/bridge-nf-call-iptables": "1",
	})
}

// WriteSettings sets kernel settings, leaving alone those that have the value.
func WriteSettings(values map[string]string) error {
	var failures []error
	for name, value := range values {
		path := filepath.Join(sysctlRoot, name)
		content, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(content)) == value {
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			failures = append(failures, fmt.Errorf("set %s to %s: %w", name, value, err))
		}
	}
	return errors.Join(failures...)
}
