//go:build localcluster_e2e

// Package e2e tests a local cluster by using it. The test is for machines where
// one may be brought up, as root:
//
//	go test -tags localcluster_e2e -count=1 -v ./hack/localcluster/e2e
//
// It leaves a cluster of one node running.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/hack/images/pack"
)

const namespace = "localcluster-e2e"

// harness runs the program under test and kubectl.
type harness struct {
	program, kubectl, kubeconfig string
}

func run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, output)
	}
	return string(output), nil
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{program: filepath.Join(t.TempDir(), "localcluster")}
	if _, err := run(t.Context(), nil, "go", "build", "-o", h.program, ".."); err != nil {
		t.Fatal(err)
	}
	// Assets go to standard output alone; progress is on standard error.
	output, err := exec.CommandContext(t.Context(), h.program, "assets").Output()
	if err != nil {
		t.Fatal(err)
	}
	h.kubectl = filepath.Join(strings.TrimSpace(string(output)), "kubectl")
	h.kubeconfig = strings.TrimSpace(h.localcluster(t, "kubeconfig"))
	return h
}

// localcluster runs the program under test, which must succeed.
func (h *harness) localcluster(t *testing.T, args ...string) string {
	t.Helper()
	start := time.Now()
	output, err := run(t.Context(), nil, h.program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("localcluster %s: %s", strings.Join(args, " "), time.Since(start).Round(10*time.Millisecond))
	return output
}

func (h *harness) tryKubectl(ctx context.Context, args ...string) (string, error) {
	return run(ctx, []string{"KUBECONFIG=" + h.kubeconfig}, h.kubectl, args...)
}

func (h *harness) kubectlOK(t *testing.T, args ...string) string {
	t.Helper()
	output, err := h.tryKubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// loadProbe builds the probe's image and loads it.
func (h *harness) loadProbe(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	binary, tarball := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	if _, err := run(t.Context(), []string{"CGO_ENABLED=0"}, "go", "build", "-o", binary, "./probe"); err != nil {
		t.Fatal(err)
	}
	files := []pack.File{pack.Binary("/probe", binary), pack.Folder("/data", 0o755)}
	if err := pack.Image(tarball, "localcluster.test/probe:e2e", files, pack.Config{Entrypoint: []string{"/probe"}}); err != nil {
		t.Fatal(err)
	}
	h.localcluster(t, "load", tarball)
}

// deploy applies the probe's manifest and waits until all of it is ready.
func (h *harness) deploy(t *testing.T) {
	t.Helper()
	h.kubectlOK(t, "apply", "-f", "probe.yaml")
	h.kubectlOK(t, "-n", namespace, "rollout", "status", "deployment/probe", "--timeout=120s")
}

// undeploy removes the probe and waits until it is gone.
func (h *harness) undeploy(t *testing.T) {
	t.Helper()
	h.kubectlOK(t, "delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s")
}

// inPod asks one probe pod to do something, through the API server.
func (h *harness) inPod(ctx context.Context, pod, request string) (string, error) {
	return h.tryKubectl(ctx, "get", "--raw", "/api/v1/namespaces/"+namespace+"/pods/"+pod+":8080/proxy"+request)
}

func (h *harness) pods(t *testing.T) []string {
	t.Helper()
	return strings.Fields(h.kubectlOK(t, "-n", namespace, "get", "pods", "-l", "app=probe",
		"--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"))
}

// eventually looks at a condition until it holds.
func eventually(t *testing.T, what string, patience time.Duration, holds func() error) {
	t.Helper()
	start := time.Now()
	for {
		err := holds()
		if err == nil {
			t.Logf("%s: after %s", what, time.Since(start).Round(100*time.Millisecond))
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("%s: not after %s: %v", what, patience, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-time.After(300 * time.Millisecond):
		}
	}
}
