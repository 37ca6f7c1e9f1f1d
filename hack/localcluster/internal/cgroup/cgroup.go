// Package cgroup makes the cgroups of a local cluster, and uses them to find
// every process that the cluster started, directly or not.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// Tree is the machine's cgroup file system.
type Tree struct {
	// unified is set for cgroup v2.
	unified bool
	// roots holds the mount points: one for v2, one per controller for v1.
	roots []string
	// hybrid is the v2 tree that may be beside v1 ones, without controllers of
	// its own; runc makes groups in it all the same. "" if there is none.
	hybrid string
}

// Open looks at /sys/fs/cgroup.
func Open() (Tree, error) { return open("/sys/fs/cgroup") }

func open(root string) (Tree, error) {
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return Tree{unified: true, roots: []string{root}}, nil
	}
	paths, err := filepath.Glob(filepath.Join(root, "*", "cgroup.procs"))
	if err != nil {
		return Tree{}, fmt.Errorf("list cgroup controllers: %w", err)
	}
	tree := Tree{}
	for _, path := range paths {
		dir := filepath.Dir(path)
		// Joint controllers have links for their single names.
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		if filepath.Base(dir) == "unified" {
			tree.hybrid = dir
			continue
		}
		tree.roots = append(tree.roots, dir)
	}
	for _, needed := range []string{"memory", "pids", "cpu"} {
		if _, err := os.Stat(filepath.Join(root, needed)); err != nil {
			return Tree{}, fault.New(fault.CgroupUnusable, "no %s controller in %s", needed, root)
		}
	}
	return tree, nil
}

// EnsureGroup makes the cgroup of a name with every controller, for a kubelet
// to put its pods in.
func (t Tree) EnsureGroup(name string) error {
	for _, root := range t.roots {
		group := filepath.Join(root, name)
		if err := mkdir(group); err != nil {
			return err
		}
		if t.unified {
			if err := delegate(root); err != nil {
				return err
			}
			if err := delegate(group); err != nil {
				return err
			}
			continue
		}
		// A v1 cpuset starts empty, and nothing can run in an empty one.
		for _, set := range []string{"cpuset.cpus", "cpuset.mems"} {
			if err := copySet(filepath.Join(root, set), filepath.Join(group, set)); err != nil {
				return err
			}
		}
	}
	return nil
}

// EnsureProcesses makes the cgroup in which the cluster's own processes start,
// and returns the file that a process joins it by. It limits nothing: a child
// stays in it however it detaches from its parent, and so can be found.
func (t Tree) EnsureProcesses(name string) (string, error) {
	for _, root := range t.roots {
		if t.unified || filepath.Base(root) == "pids" {
			group := filepath.Join(root, name)
			return filepath.Join(group, "cgroup.procs"), mkdir(group)
		}
	}
	return "", fault.New(fault.CgroupUnusable, "no pids controller among %v", t.roots)
}

// Kill ends every process in the cgroups of a name and below, and returns how
// many were left.
func (t Tree) Kill(name string) (left int, err error) {
	pids, err := t.Processes(name)
	if err != nil || len(pids) == 0 {
		return 0, err
	}
	// A pidfd stays with the process it was opened for. A process that is still
	// listed after its descriptor was opened is the one that is meant.
	descriptors := map[int]int{}
	defer func() {
		for _, fd := range descriptors {
			_ = unix.Close(fd)
		}
	}()
	for _, pid := range pids {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			descriptors[pid] = fd
		}
	}
	still, err := t.Processes(name)
	if err != nil {
		return 0, err
	}
	for _, pid := range still {
		if fd, ok := descriptors[pid]; ok {
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return 0, fmt.Errorf("kill process %d: %w", pid, err)
			}
		}
	}
	return len(still), nil
}

// Processes lists the processes in the cgroups of a name and below.
func (t Tree) Processes(name string) ([]int, error) {
	var pids []int
	err := t.walk(name, func(dir string) error {
		content, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoDevice) {
			return nil // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("list processes: %w", err)
		}
		for field := range strings.FieldsSeq(string(content)) {
			// 0 stands for a process of another pid namespace.
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids, err
}

// Remove removes the cgroups of a name and below, which must hold no process.
func (t Tree) Remove(name string) error {
	var dirs []string
	if err := t.walk(name, func(dir string) error { dirs = append(dirs, dir); return nil }); err != nil {
		return err
	}
	for _, dir := range slices.Backward(dirs) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}

// walk visits the cgroups of a name, each before those below it.
func (t Tree) walk(name string, visit func(dir string) error) error {
	roots := t.roots
	if t.hybrid != "" {
		roots = append(slices.Clone(roots), t.hybrid)
	}
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return fmt.Errorf("walk cgroups: %w", err)
			case entry.IsDir():
				return visit(path)
			default:
				return nil
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
