package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/api"
	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/manifest"
	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

// ensureNodeNetwork makes the part of the network that a node needs.
func (c *Cluster) ensureNodeNetwork(ctx context.Context, node layout.Node) error {
	if node.Namespaced() {
		return hostnet.EnsureNamespacedNode(ctx, node)
	}
	return hostnet.EnsureFirstNode(ctx, node)
}

// ensureRuntime starts a node's container runtime and gives it the images that
// the cluster itself needs.
func (c *Cluster) ensureRuntime(ctx context.Context, node layout.Node) error {
	config := c.Config(node.Process("containerd") + ".toml")
	content, err := manifest.Containerd(node, filepath.Dir(c.programs["bridge"]), artifacts.PauseImage)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(config, content, 0o644); err != nil {
		return err
	}
	if content, err = manifest.CNI(node); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(node.CNI(), "10-bridge.conflist"), content, 0o644); err != nil {
		return err
	}
	name := node.Process("containerd")
	if err := c.ensureProcess(ctx, process.Spec{
		Name:             name,
		Command:          []string{c.programs["containerd"], "--config", config},
		Inputs:           []string{config},
		NetworkNamespace: node.Namespace(),
	}, processGroup(node)); err != nil {
		return err
	}
	return c.ensureOwnImages(ctx, node)
}

// ensureKubelet starts a node's kubelet and kube-proxy.
func (c *Cluster) ensureKubelet(ctx context.Context, node layout.Node) error {
	resolvConf := c.Config("resolv.conf")
	if err := atomicfile.Write(resolvConf, nil, 0o644); err != nil {
		return err
	}
	kubelet, ca := node.Process("kubelet"), c.credentials.ca.CertFile
	cert := c.credentials.kubelets[node.Name]
	config := c.Config(kubelet + ".yaml")
	content, err := manifest.Kubelet(node, ca, resolvConf, cert)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(config, content, 0o644); err != nil {
		return err
	}
	if err := c.tree.EnsureGroup(node.Name); err != nil {
		return err
	}
	if err := c.ensureProcess(ctx, process.Spec{
		Name: kubelet,
		Command: []string{
			c.programs["kubelet"],
			"--config=" + config,
			"--kubeconfig=" + c.Kubeconfig(kubelet),
			"--root-dir=" + node.Kubelet(),
			"--hostname-override=" + node.Name,
			"--node-ip=" + node.IP(),
		},
		Inputs:           []string{config, c.Kubeconfig(kubelet), ca, cert.CertFile},
		NetworkNamespace: node.Namespace(),
	}, processGroup(node)); err != nil {
		return err
	}

	proxy := node.Process("proxy")
	config = c.Config(proxy + ".yaml")
	if content, err = manifest.Proxy(node, c.Kubeconfig("proxy")); err != nil {
		return err
	}
	if err := atomicfile.Write(config, content, 0o644); err != nil {
		return err
	}
	return c.ensureProcess(ctx, process.Spec{
		Name:             proxy,
		Command:          []string{c.programs["kube-proxy"], "--config=" + config},
		Inputs:           []string{config, c.Kubeconfig("proxy")},
		NetworkNamespace: node.Namespace(),
	}, processGroup(node))
}

func nodePath(node layout.Node) string { return "/api/v1/nodes/" + node.Name }

// ensureNodeReady waits until the API server calls a node ready.
func (c *Cluster) ensureNodeReady(ctx context.Context, node layout.Node) error {
	processes := []string{node.Process("containerd"), node.Process("kubelet"), node.Process("proxy")}
	var object api.Node
	err := c.wait(ctx, "node "+node.Name, 3*time.Minute, processes, func(ctx context.Context) error {
		object = api.Node{}
		if err := c.client.Get(ctx, nodePath(node), &object); err != nil {
			return err
		}
		if ready, why := object.Ready(); !ready {
			return fmt.Errorf("node is not ready: %s", why)
		}
		return c.checkFresh(ctx, node, object.Metadata.CreationTimestamp)
	})
	if err != nil {
		return err
	}
	if object.Spec.PodCIDR == "" {
		// What the node's CNI configuration says, for those who read it here.
		change := map[string]any{"spec": map[string]any{"podCIDR": node.PodCIDR(), "podCIDRs": []string{node.PodCIDR()}}}
		if err := c.client.Patch(ctx, nodePath(node), change); err != nil {
			return fmt.Errorf("set pod range of %s: %w", node.Name, err)
		}
	}
	c.Report("node %s ready at %s", node.Name, node.IP())
	return nil
}

// checkFresh fails while what the API server knows of a node may be from before
// this command started its kubelet again: a node stays Ready for a while after
// its kubelet has ended.
func (c *Cluster) checkFresh(ctx context.Context, node layout.Node, created time.Time) error {
	started, again := c.started[node.Process("kubelet")]
	// A node this young has no lease yet, and needs none to be up to date. The
	// API server keeps times of creation to the second.
	if !again || !created.Before(started.Truncate(time.Second)) {
		return nil
	}
	var lease api.Lease
	if err := c.client.Get(ctx, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"+node.Name, &lease); err != nil {
		return err
	}
	if lease.Spec.RenewTime.Before(started) {
		return errors.New("the kubelet has not reported since it was started")
	}
	return nil
}

// removeNode takes a further node away for good.
func (c *Cluster) removeNode(ctx context.Context, node layout.Node) error {
	if err := c.stopNode(ctx, node); err != nil {
		return err
	}
	if err := c.client.Delete(ctx, nodePath(node)); err != nil {
		return fmt.Errorf("remove node %s: %w", node.Name, err)
	}
	if err := c.removeNodeTraces(ctx, node); err != nil {
		return err
	}
	c.Report("node %s removed", node.Name)
	return nil
}
