package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// errNoDevice is what reading a file of a cgroup gives that was just removed.
const errNoDevice = syscall.ENODEV

func mkdir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make cgroup: %w", err)
	}
	return nil
}

// delegate makes every controller of a v2 cgroup available to those below it.
func delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read cgroup controllers: %w", err)
	}
	control := filepath.Join(dir, "cgroup.subtree_control")
	enabled, err := os.ReadFile(control)
	if err != nil {
		return fmt.Errorf("read enabled cgroup controllers: %w", err)
	}
	already := strings.Fields(string(enabled))
	for controller := range strings.FieldsSeq(string(available)) {
		if slices.Contains(already, controller) {
			continue
		}
		// One at a time: some controllers cannot be enabled on some machines,
		// and the kubelet says which of those it needs.
		_ = os.WriteFile(control, []byte("+"+controller), 0o644)
	}
	return nil
}

// copySet copies a cpuset file unless the target has a value, or the
// controller of this tree is another one and there is nothing to copy.
func copySet(from, to string) error {
	value, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read cpuset: %w", err)
	}
	if current, err := os.ReadFile(to); err == nil && strings.TrimSpace(string(current)) != "" {
		return nil
	}
	if err := os.WriteFile(to, value, 0o644); err != nil {
		return fmt.Errorf("set cpuset: %w", err)
	}
	return nil
}
