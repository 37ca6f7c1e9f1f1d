package cluster

import (
	"context"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

// patience is how long a process gets to end by itself.
const patience = 10 * time.Second

// ensureProcess makes a process run as described: starts it, or restarts it
// when what it was started with has changed. It joins the cgroup in which its
// children are found again.
func (c *Cluster) ensureProcess(ctx context.Context, spec process.Spec, group string) error {
	procs, err := c.tree.EnsureProcesses(group)
	if err != nil {
		return err
	}
	spec.CgroupProcs = []string{procs}
	spec.Log = c.Log(spec.Name)
	if spec.Env == nil {
		spec.Env = c.environment()
	}
	if c.table.Fresh(spec) {
		return nil
	}
	if err := c.table.Stop(ctx, spec.Name, patience); err != nil {
		return err
	}
	if err := c.table.Start(spec); err != nil {
		return err
	}
	c.started[spec.Name] = time.Now()
	c.Report("started %s", spec.Name)
	return nil
}
