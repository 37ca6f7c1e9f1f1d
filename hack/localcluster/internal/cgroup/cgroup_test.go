package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// fake makes a folder that looks like the kernel's tree of cgroups.
func fake(t *testing.T, paths map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range paths {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestSeparateControllers(t *testing.T) {
	root := fake(t, map[string]string{
		"cpu/cgroup.procs": "", "memory/cgroup.procs": "", "unified/cgroup.procs": "",
		"pids/cgroup.procs": "1\n", "pids/own/cgroup.procs": "", "pids/own/a/b/cgroup.procs": "7\n8\n0\n",
		"memory/own/cgroup.procs": "8\n9\n", "unified/own/cgroup.procs": "10\n",
		"cpuset/cgroup.procs": "", "cpuset/cpuset.cpus": "0-1\n", "cpuset/cpuset.mems": "0\n",
	})
	tree, err := open(root)
	if err != nil {
		t.Fatal(err)
	}
	if tree.unified || len(tree.roots) != 4 {
		t.Fatalf("tree %+v", tree)
	}
	if err := tree.EnsureGroup("node"); err != nil {
		t.Fatal(err)
	}
	if cpus, err := os.ReadFile(filepath.Join(root, "cpuset/node/cpuset.cpus")); err != nil || string(cpus) != "0-1\n" {
		t.Errorf("cpuset %q, %v", cpus, err)
	}
	procs, err := tree.EnsureProcesses("own")
	if err != nil || procs != filepath.Join(root, "pids/own/cgroup.procs") {
		t.Errorf("processes file %s, %v", procs, err)
	}
	pids, err := tree.Processes("own")
	slices.Sort(pids)
	if err != nil || !slices.Equal(pids, []int{7, 8, 9, 10}) {
		t.Errorf("processes %v, %v", pids, err)
	}
	if pids, err := tree.Processes("absent"); err != nil || len(pids) != 0 {
		t.Errorf("processes of an absent group %v, %v", pids, err)
	}
}

func TestUnifiedTree(t *testing.T) {
	root := fake(t, map[string]string{
		"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "cpu memory pids\n",
		"node/cgroup.controllers": "cpu memory pids\n", "node/cgroup.subtree_control": "cpu memory pids\n",
	})
	tree, err := open(root)
	if err != nil || !tree.unified {
		t.Fatalf("tree %+v, %v", tree, err)
	}
	if err := tree.EnsureGroup("node"); err != nil {
		t.Fatal(err)
	}
	if procs, err := tree.EnsureProcesses("own"); err != nil || procs != filepath.Join(root, "own/cgroup.procs") {
		t.Errorf("processes file %s, %v", procs, err)
	}
}

func TestMissingController(t *testing.T) {
	_, err := open(fake(t, map[string]string{"cpu/cgroup.procs": ""}))
	if !errors.Is(err, &fault.Error{Code: fault.CgroupUnusable}) {
		t.Errorf("got %v", err)
	}
}
