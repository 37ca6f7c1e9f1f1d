//go:build localcluster_e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const firstNode = "10.244.0.1"

func get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Close = true
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

func TestCluster(t *testing.T) {
	h := newHarness(t)
	h.localcluster(t, "up", "--nodes", "1")
	h.localcluster(t, "up")
	h.localcluster(t, "status")
	h.loadProbe(t)
	h.deploy(t)
	pods := h.pods(t)
	if len(pods) != 2 {
		t.Fatalf("pods %v", pods)
	}

	t.Run("names", func(t *testing.T) {
		for name, want := range map[string]string{
			"kubernetes.default":                        "10.96.0.1",
			"kubernetes.default.svc.cluster.local":      "10.96.0.1",
			"kube-dns.kube-system.svc.cluster.local":    "10.96.0.10",
			"probe." + namespace + ".svc.cluster.local": "10.96.",
		} {
			if got, err := h.inPod(t.Context(), pods[0], "/lookup?name="+name); err != nil || !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		start := time.Now()
		if got, err := h.inPod(t.Context(), pods[0], "/lookup?name=example.com"); err == nil {
			t.Errorf("a name outside of the cluster: %q", got)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("a name outside of the cluster took %s to fail", took)
		}
	})
	t.Run("service reaches every pod", func(t *testing.T) {
		seen := map[string]bool{}
		for range 40 {
			answer, err := h.inPod(t.Context(), pods[0], "/fetch?url="+url.QueryEscape("http://probe/"))
			if err != nil {
				t.Fatal(err)
			}
			seen[strings.Fields(answer)[0]] = true
			if len(seen) == 2 {
				return
			}
		}
		t.Errorf("only seen %v", seen)
	})
	t.Run("nothing leaves the machine", func(t *testing.T) {
		// An address for documentation, which nobody has: the packet filter
		// refuses at once, where the outside would leave us waiting.
		start := time.Now()
		answer, err := h.inPod(t.Context(), pods[0], "/dial?address=203.0.113.1:443")
		if err == nil || time.Since(start) > 2*time.Second {
			t.Errorf("after %s: %q, %v", time.Since(start), answer, err)
		}
	})
	t.Run("node port TCP keeps the client's address", func(t *testing.T) {
		answer, err := get(t.Context(), "http://"+firstNode+":31098/")
		if err != nil || !strings.HasSuffix(answer, " "+firstNode) {
			t.Errorf("%q, %v", answer, err)
		}
	})
	t.Run("node port UDP", func(t *testing.T) {
		socket, err := (&net.Dialer{}).DialContext(t.Context(), "udp", firstNode+":31099")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.Close() }()
		_ = socket.SetDeadline(time.Now().Add(3 * time.Second))
		if _, err := socket.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		n, err := socket.Read(buffer)
		if err != nil || !strings.HasSuffix(string(buffer[:n]), " ping") {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	})
	t.Run("logs", func(t *testing.T) {
		if got := h.kubectlOK(t, "-n", namespace, "logs", pods[0]); !strings.Contains(got, "starts as user 65532") {
			t.Errorf("%q", got)
		}
	})
	t.Run("exec", func(t *testing.T) {
		if got := h.kubectlOK(t, "-n", namespace, "exec", pods[0], "--", "/probe", "it", "works"); got != "it works\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("port-forward", func(t *testing.T) { portForward(t, h, pods[0]) })
	t.Run("token for an audience", func(t *testing.T) {
		token := strings.TrimSpace(h.kubectlOK(t, "-n", namespace, "create", "token", "default", "--audience=elsewhere"))
		if strings.Count(token, ".") != 2 {
			t.Errorf("%q", token)
		}
	})
	t.Run("volume", func(t *testing.T) { volume(t, h, pods) })
	h.undeploy(t)
}

func portForward(t *testing.T, h *harness, pod string) {
	command := exec.CommandContext(t.Context(), h.kubectl, "--kubeconfig="+h.kubeconfig, "-n", namespace,
		"port-forward", "pod/"+pod, ":8080")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	// "Forwarding from 127.0.0.1:PORT -> 8080"
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	answer, err := get(t.Context(), "http://"+strings.Fields(line)[2]+"/")
	if err != nil || !strings.HasPrefix(answer, pod) {
		t.Errorf("%q, %v", answer, err)
	}
}

// volume checks that a claim is bound, written by a pod that is not root, kept
// over pods, and removed with the claim.
func volume(t *testing.T, h *harness, pods []string) {
	if got := h.kubectlOK(t, "-n", namespace, "get", "pvc", "data", "-o", "jsonpath={.status.phase}"); got != "Bound" {
		t.Errorf("claim is %s", got)
	}
	name := h.kubectlOK(t, "-n", namespace, "get", "pvc", "data", "-o", "jsonpath={.spec.volumeName}")
	path := h.kubectlOK(t, "get", "pv", name, "-o", "jsonpath={.spec.hostPath.path}")
	if _, err := h.inPod(t.Context(), pods[0], "/write?text=kept"); err != nil {
		t.Fatal(err)
	}
	h.kubectlOK(t, "-n", namespace, "delete", "pod", "--all", "--timeout=60s")
	h.kubectlOK(t, "-n", namespace, "rollout", "status", "deployment/probe", "--timeout=60s")
	if got, err := h.inPod(t.Context(), h.pods(t)[0], "/read"); err != nil || got != "kept" {
		t.Errorf("read %q, %v", got, err)
	}
	h.kubectlOK(t, "-n", namespace, "delete", "deployment", "probe", "--timeout=60s")
	h.kubectlOK(t, "-n", namespace, "delete", "pvc", "data", "--timeout=60s")
	eventually(t, "volume and its folder are removed", 30*time.Second, func() error {
		switch _, err := os.Stat(path); {
		case err == nil:
			return fmt.Errorf("%s is still there", path)
		case !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("see whether the folder is still there: %w", err)
		}
		switch _, err := h.tryKubectl(t.Context(), "get", "pv", name); {
		case err == nil:
			return fmt.Errorf("volume %s is still there", name)
		case !strings.Contains(err.Error(), "NotFound"):
			return fmt.Errorf("see whether the volume is still there: %w", err)
		}
		return nil
	})
}
