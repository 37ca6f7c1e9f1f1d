package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/cgroup"
	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// Down ends the cluster and removes all that it made, except for the cache of
// built programs.
func (c *Cluster) Down(ctx context.Context) error {
	if err := checkMachine(); err != nil {
		return err
	}
	if err := hostnet.CheckOwner(c.State); err != nil {
		return err
	}
	var err error
	if c.tree, err = cgroup.Open(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.clean(ctx); err != nil {
		return err
	}
	if err := os.Remove(c.State); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove state folder: %w", err)
	}
	c.Report("cluster is down")
	return nil
}

// clean removes everything but the state folder itself, which is our lock.
//
// It does not stop at a failure: what can be removed is removed, and the
// failures are reported together.
func (c *Cluster) clean(ctx context.Context) error {
	if err := c.stopAll(ctx); err != nil {
		return err // removing the network and files of running processes helps nobody
	}
	base, known := c.readBaseline()
	// A bridge of ours without a baseline means that somebody deleted the state
	// folder of a running cluster.
	ran := known || hostnet.Present()
	var failures []error
	try := func(err error) {
		if err != nil {
			failures = append(failures, err)
		}
	}
	for n := layout.MaxNodes; n >= 1; n-- {
		try(c.removeNodeTraces(ctx, c.Node(n)))
	}
	try(c.removeGroup(ctx, layout.ProcessCgroup))
	try(unmountBelow(c.State))
	try(hostnet.RemoveBridges(ctx))
	try(hostnet.RemoveTable(ctx, "inet", layout.GuardTable))
	if ran {
		// Where no cluster of ours has run, the tables, if there are any, are
		// somebody else's.
		for _, table := range hostnet.SharedTables() {
			try(hostnet.RemoveTable(ctx, table.Family, table.Name))
		}
		try(hostnet.WriteSettings(base.Settings))
	}
	hostnet.RemoveForwarding(ctx)
	c.Report("network removed")
	try(removeOutside(c.State, base))
	if len(failures) > 0 {
		// The state folder stays, and with it what the next attempt needs.
		return fmt.Errorf("clean up: %w", errors.Join(failures...))
	}
	return c.removeState()
}

// stopAll ends all processes: first those that would start others again, last
// those that the others need to end well.
func (c *Cluster) stopAll(ctx context.Context) error {
	if err := c.table.Stop(ctx, "provisioner", patience); err != nil {
		return err
	}
	for n := layout.MaxNodes; n >= 1; n-- {
		node := c.Node(n)
		for _, name := range []string{node.Process("kubelet"), node.Process("proxy")} {
			if err := c.table.Stop(ctx, name, patience); err != nil {
				return err
			}
		}
		if err := c.killGroup(ctx, node.Name); err != nil {
			return err
		}
	}
	for _, name := range []string{"scheduler", "controller-manager", "apiserver"} {
		if err := c.table.Stop(ctx, name, patience); err != nil {
			return err
		}
	}
	for n := layout.MaxNodes; n >= 1; n-- {
		if err := c.stopNode(ctx, c.Node(n)); err != nil {
			return err
		}
	}
	if err := c.table.Stop(ctx, "etcd", patience); err != nil {
		return err
	}
	// Processes of an earlier version of this program, whose names are not
	// known here, and whatever else is left.
	names, err := c.table.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.table.Stop(ctx, name, patience); err != nil {
			return err
		}
	}
	if err := c.killGroup(ctx, layout.ProcessCgroup); err != nil {
		return err
	}
	c.Report("processes ended")
	return nil
}

// stopNode ends the processes of one node: kubelet and proxy, pods, runtime,
// and the shims that it leaves running.
func (c *Cluster) stopNode(ctx context.Context, node layout.Node) error {
	for _, program := range []string{"kubelet", "proxy"} {
		if err := c.table.Stop(ctx, node.Process(program), patience); err != nil {
			return err
		}
	}
	if err := c.killGroup(ctx, node.Name); err != nil {
		return err
	}
	if err := c.table.Stop(ctx, node.Process("containerd"), patience); err != nil {
		return err
	}
	return c.killGroup(ctx, processGroup(node))
}

// killGroup kills until a cgroup is empty: a process that is being killed may
// have started another one meanwhile.
func (c *Cluster) killGroup(ctx context.Context, name string) error {
	return c.untilGone(ctx, "processes in cgroup "+name, func() error {
		left, err := c.tree.Kill(name)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d processes left", left)
		}
		return err
	})
}

// removeGroup removes a cgroup, which the kernel refuses for a moment after its
// last process has ended.
func (c *Cluster) removeGroup(ctx context.Context, name string) error {
	return c.untilGone(ctx, "cgroup "+name, func() error { return c.tree.Remove(name) })
}

func (c *Cluster) untilGone(ctx context.Context, what string, remove func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := remove()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.StillThere, err, "%s cannot be removed", what)
		case <-tick.C:
		}
	}
}

// removeNodeTraces removes what a node without processes leaves on the machine.
func (c *Cluster) removeNodeTraces(ctx context.Context, node layout.Node) error {
	if err := unmountBelow(node.Dir()); err != nil {
		return err
	}
	if err := c.removeGroup(ctx, node.Name); err != nil {
		return err
	}
	if err := c.removeGroup(ctx, processGroup(node)); err != nil {
		return err
	}
	if node.Namespaced() {
		if err := hostnet.RemoveNamespacedNode(ctx, node); err != nil {
			return err
		}
	}
	if err := removeShimSockets(node); err != nil {
		return err
	}
	if err := os.RemoveAll(node.Dir()); err != nil {
		return fmt.Errorf("remove folder of %s: %w", node.Name, err)
	}
	return nil
}

// removeState empties the state folder, the baseline last.
func (c *Cluster) removeState() error {
	entries, err := os.ReadDir(c.State)
	if err != nil {
		return fmt.Errorf("list state folder: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(c.State, entry.Name())
		if path == c.Baseline() {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove state: %w", err)
		}
	}
	if err := os.Remove(c.Baseline()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove state: %w", err)
	}
	return nil
}
