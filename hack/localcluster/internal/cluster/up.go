package cluster

import (
	"context"
	"fmt"
	"os"

	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/cgroup"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// Up makes the cluster run with that many nodes, or with as many as it has (at
// least one) when nodes is 0.
func (c *Cluster) Up(ctx context.Context, store *artifacts.Store, nodes int) error {
	if err := checkMachine(); err != nil {
		return err
	}
	if err := c.ensurePackages(ctx); err != nil {
		return err
	}
	var err error
	if c.programs, err = store.All(ctx); err != nil {
		return err
	}
	if c.tarballs, err = store.Images(ctx); err != nil {
		return err
	}
	if c.tree, err = cgroup.Open(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.prepare(ctx); err != nil {
		// Nothing was made: the folder goes too, unless it holds a cluster.
		_ = os.Remove(c.State)
		return err
	}
	if nodes == 0 {
		nodes = max(1, len(c.nodes()))
	}
	if err := c.ensure(ctx, nodes); err != nil {
		return err
	}
	c.Report("cluster is up with %d node(s); KUBECONFIG=%s", nodes, c.AdminKubeconfig())
	return nil
}

// prepare looks at the machine before anything on it is changed.
func (c *Cluster) prepare(ctx context.Context) error {
	if err := hostnet.CheckOwner(c.State); err != nil {
		return err
	}
	reason := ""
	if c.rebooted() {
		// etcd runs without waiting for the disk, so what it wrote before may be
		// in pieces: an empty cluster is better than one that is subtly broken.
		reason = "the machine was started again"
	} else if _, known := c.readBaseline(); !known && hostnet.Present() {
		reason = "the state folder of a running cluster was deleted"
	}
	if reason != "" {
		c.Report("%s: starting with an empty cluster", reason)
		if err := c.clean(ctx); err != nil {
			return err
		}
	}
	if err := c.checkPorts(ctx); err != nil {
		return err
	}
	if err := c.recordBaseline(ctx); err != nil {
		return err
	}
	for _, dir := range []string{c.Logs(), c.Run()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make state folder: %w", err)
		}
	}
	return nil
}

// ensure makes everything run, in the order in which things need each other.
func (c *Cluster) ensure(ctx context.Context, count int) error {
	var nodes []layout.Node
	for n := 1; n <= count; n++ {
		node := c.Node(n)
		// From here on the node exists, for `down` and for the next `up`.
		if err := os.MkdirAll(node.Dir(), 0o711); err != nil {
			return fmt.Errorf("make folder of %s: %w", node.Name, err)
		}
		nodes = append(nodes, node)
	}
	if err := hostnet.LoadBridgeFilter(ctx); err != nil {
		return err
	}
	if err := hostnet.EnsureSettings(); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := c.ensureNodeNetwork(ctx, node); err != nil {
			return err
		}
	}
	if err := hostnet.EnsureGuard(ctx); err != nil {
		return err
	}
	if err := hostnet.EnsureForwarding(ctx); err != nil {
		return err
	}
	if err := c.ensureCredentials(nodes); err != nil {
		return err
	}
	if err := c.ensureControlPlane(ctx); err != nil {
		return err
	}
	for _, node := range c.nodes()[count:] {
		if err := c.removeNode(ctx, node); err != nil {
			return err
		}
	}
	if err := c.ensureAddons(ctx); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := c.ensureRuntime(ctx, node); err != nil {
			return err
		}
		if err := c.ensureKubelet(ctx, node); err != nil {
			return err
		}
	}
	if err := c.ensureProcess(ctx, c.provisioner(), controlGroup()); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := c.ensureNodeReady(ctx, node); err != nil {
			return err
		}
	}
	return c.ensureDNS(ctx)
}
