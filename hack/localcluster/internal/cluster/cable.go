package cluster

import (
	"context"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// Cut pulls a node's network cable. The node goes on running and finds itself
// alone; the others see it NotReady after the controller manager's grace period.
func (c *Cluster) Cut(ctx context.Context, name string) error {
	return c.setCable(ctx, name, false)
}

// Heal plugs the cable in again.
func (c *Cluster) Heal(ctx context.Context, name string) error {
	return c.setCable(ctx, name, true)
}

func (c *Cluster) setCable(ctx context.Context, name string, up bool) error {
	if err := checkMachine(); err != nil {
		return err
	}
	node, err := c.findNode(name)
	if err != nil {
		return err
	}
	if !node.Namespaced() {
		return fault.New(fault.NodeNotCuttable, "%s is this machine itself, with the control plane: it has no cable", name)
	}
	if err := hostnet.SetCable(ctx, node, up); err != nil {
		return err
	}
	if up {
		c.Report("%s is connected", name)
	} else {
		c.Report("%s is cut off", name)
	}
	return nil
}

func (c *Cluster) findNode(name string) (layout.Node, error) {
	for _, node := range c.nodes() {
		if node.Name == name {
			return node, nil
		}
	}
	return layout.Node{}, fault.New(fault.NodeUnknown,
		"there is no node %s; `status` lists the nodes, `up --nodes 2` makes a second one", name)
}
