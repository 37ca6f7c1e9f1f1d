//go:build localcluster_e2e

package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSecondNode(t *testing.T) {
	h := newHarness(t)
	h.localcluster(t, "up", "--nodes", "2")
	h.localcluster(t, "up")
	h.loadProbe(t)
	h.deploy(t)
	defer h.undeploy(t)

	places := strings.Fields(h.kubectlOK(t, "-n", namespace, "get", "pods", "-l", "app=probe", "-o",
		`jsonpath={range .items[*]}{.metadata.name}/{.spec.nodeName} {end}`))
	onNode := map[string]string{}
	for _, place := range places {
		pod, node, _ := strings.Cut(place, "/")
		onNode[node] = pod
	}
	if len(onNode) != 2 {
		t.Fatalf("pods are not on both nodes: %v", places)
	}
	for node, pod := range onNode {
		t.Run("from "+node, func(t *testing.T) {
			if got, err := h.inPod(t.Context(), pod, "/lookup?name=kubernetes.default"); err != nil || got != "10.96.0.1" {
				t.Errorf("name: %q, %v", got, err)
			}
			seen := map[string]bool{}
			for i := 0; i < 60 && len(seen) < 2; i++ {
				answer, err := h.inPod(t.Context(), pod, "/fetch?url="+url.QueryEscape("http://probe/"))
				if err != nil {
					t.Fatal(err)
				}
				seen[strings.Fields(answer)[0]] = true
			}
			if len(seen) != 2 {
				t.Errorf("service only reaches %v", seen)
			}
			if got := h.kubectlOK(t, "-n", namespace, "exec", pod, "--", "/probe", "hello"); got != "hello\n" {
				t.Errorf("exec: %q", got)
			}
		})
	}
	// Both nodes see the same files.
	if _, err := h.inPod(t.Context(), onNode["invigil-1"], "/write?text=shared"); err != nil {
		t.Error(err)
	}
	if got, err := h.inPod(t.Context(), onNode["invigil-2"], "/read"); err != nil || got != "shared" {
		t.Errorf("volume from the other node: %q, %v", got, err)
	}
	if answer, err := get(t.Context(), "http://10.89.0.2:31098/"); err != nil || !strings.HasPrefix(answer, onNode["invigil-2"]) {
		t.Errorf("node port of the second node: %q, %v", answer, err)
	}

	ready := func(want string) func() error {
		return func() error {
			got, err := h.tryKubectl(t.Context(), "get", "node", "invigil-2",
				"-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
			if err == nil && got != want {
				err = fmt.Errorf("Ready is %s, not %s", got, want)
			}
			return err
		}
	}
	h.localcluster(t, "node", "cut", "invigil-2")
	eventually(t, "second node is not ready", 2*time.Minute, ready("Unknown"))
	eventually(t, "its endpoints are gone", time.Minute, func() error {
		got, err := h.tryKubectl(t.Context(), "-n", namespace, "get", "endpointslices", "-l", "kubernetes.io/service-name=probe",
			"-o", `jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}`)
		if err == nil && got != onNode["invigil-1"] {
			err = fmt.Errorf("ready endpoints: %s", got)
		}
		return err
	})
	h.localcluster(t, "node", "heal", "invigil-2")
	eventually(t, "second node is ready again", time.Minute, ready("True"))
	output, err := run(t.Context(), nil, h.program, "node", "cut", "invigil-1")
	if err == nil || !strings.Contains(output, "NodeNotCuttable") {
		t.Errorf("cut of the first node: %q, %v", output, err)
	}
	h.undeploy(t)
	h.localcluster(t, "up", "--nodes", "1")
	if got := h.kubectlOK(t, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"); got != "invigil-1" {
		t.Errorf("nodes after going back to one: %s", got)
	}
}
