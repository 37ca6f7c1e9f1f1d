package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

func testCluster(t *testing.T) *Cluster {
	t.Helper()
	return New(layout.Layout{State: filepath.Join(t.TempDir(), "state")}, t.Logf)
}

func TestMountsBelow(t *testing.T) {
	mountinfo := strings.Join([]string{
		`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw`,
		`30 22 0:30 / /state rw - tmpfs tmpfs rw`,
		`31 22 0:31 / /state/n1/kubelet/pods/a\040b rw - tmpfs tmpfs rw`,
		`32 22 0:32 / /statement rw - tmpfs tmpfs rw`,
		`33 22 0:33 / /other/state/x rw - tmpfs tmpfs rw`,
		`short line`,
	}, "\n")
	want := []string{"/state", "/state/n1/kubelet/pods/a b"}
	if got := mountsBelow(mountinfo, "/state"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMissingProgramsNameTheirPackages(t *testing.T) {
	missing := missingPrograms(func(name string) (string, error) {
		if name == "runc" || name == "nft" {
			return "", exec.ErrNotFound
		}
		return "/usr/bin/" + name, nil
	})
	var packages []string
	for _, m := range missing {
		packages = append(packages, m.pkg)
	}
	if want := []string{"runc", "nftables"}; !slices.Equal(packages, want) {
		t.Errorf("got %v, want %v", packages, want)
	}
}

func TestPackagesCannotBeInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := testCluster(t).ensurePackages(t.Context())
	if !errors.Is(err, &fault.Error{Code: fault.PackageMissing}) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"runc", "nft", "nftables", "iproute2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

func TestLockOutlivesRemovalOfTheFolder(t *testing.T) {
	c := testCluster(t)
	unlock, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.lock(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	// As `down` does at its end: whoever waits must lock the new folder.
	if err := os.Remove(c.State); err != nil {
		t.Fatal(err)
	}
	unlock()
	second, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer second()
	if _, err := os.Stat(c.State); err != nil {
		t.Errorf("locked a folder that is gone: %v", err)
	}
}

func TestRebootIsNoticed(t *testing.T) {
	c := testCluster(t)
	if c.rebooted() {
		t.Error("rebooted without a baseline")
	}
	boot, err := process.BootID()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{boot: false, "another": true} {
		if err := os.MkdirAll(c.State, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Baseline(), []byte(`{"bootID":"`+id+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := c.rebooted(); got != want {
			t.Errorf("boot %s: %v", id, got)
		}
	}
}

func TestWaitGivesUpOnADeadProcess(t *testing.T) {
	c := testCluster(t)
	if err := os.MkdirAll(c.Logs(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Log("etcd"), []byte("one\ntwo: out of disk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := c.wait(t.Context(), "etcd", time.Minute, []string{"etcd"}, func(context.Context) error {
		return errors.New("not yet")
	})
	if !errors.Is(err, &fault.Error{Code: fault.ProcessDied}) || !strings.Contains(err.Error(), "out of disk") {
		t.Errorf("got %v", err)
	}
	err = c.wait(t.Context(), "rain", 200*time.Millisecond, nil, func(context.Context) error { return errors.New("sunny") })
	if !errors.Is(err, &fault.Error{Code: fault.NotReady}) || !strings.Contains(err.Error(), "sunny") {
		t.Errorf("got %v", err)
	}
}

func TestCableErrors(t *testing.T) {
	c := testCluster(t)
	if _, err := c.findNode("invigil-2"); !errors.Is(err, &fault.Error{Code: fault.NodeUnknown}) {
		t.Errorf("got %v", err)
	}
	if err := os.MkdirAll(c.Node(2).Dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if node, err := c.findNode("invigil-2"); err != nil || node.Number != 2 {
		t.Errorf("got %v, %v", node, err)
	}
}

func TestShimSocketsOfTheNodeAreRemoved(t *testing.T) {
	c := testCluster(t)
	node := c.Node(1)
	sockets := t.TempDir()
	ours, foreign := filepath.Join(sockets, "ours"), filepath.Join(sockets, "foreign")
	bundle := filepath.Join(node.Containerd(), "state/io.containerd.runtime.v2.task/k8s.io/abc")
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		ours: "", foreign: "", filepath.Join(bundle, "bootstrap.json"): `{"version":3,"address":"unix://` + ours + `"}`,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeShimSockets(node); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ours); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("own socket: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("foreign socket: %v", err)
	}
}
