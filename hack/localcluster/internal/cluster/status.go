package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/invigil/invigil/hack/localcluster/internal/api"
	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// Status prints what runs and where its files are. It fails, with a code, when
// the cluster is not running or not whole.
func (c *Cluster) Status(ctx context.Context, out io.Writer, cache string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = table.Flush() }()
	row := func(cells ...any) { _, _ = fmt.Fprintln(table, cells...) }
	row("state:\t" + c.State)
	row("logs:\t" + c.Logs())
	row("cache:\t" + cache)
	row("kubeconfig:\t" + c.AdminKubeconfig())

	nodes := c.nodes()
	if len(nodes) == 0 {
		row("cluster:\tdown")
		return fault.New(fault.NotRunning, "there is no cluster in %s", c.State)
	}
	broken := 0
	for _, name := range processNames(nodes) {
		record, ok := c.table.Read(name)
		switch {
		case ok && record.Running():
			row(fmt.Sprintf("process:\t%s\tpid %d\trunning", name, record.PID))
		default:
			broken++
			row(fmt.Sprintf("process:\t%s\t-\tnot running, see %s", name, c.Log(name)))
		}
	}
	broken += c.nodeStatus(ctx, nodes, row)
	if broken > 0 {
		row("cluster:\tdegraded")
		return fault.New(fault.NotReady, "%d parts of the cluster are not well; `up` repairs it", broken)
	}
	row("cluster:\tup")
	return nil
}

// nodeStatus prints a row for each node and returns how many are not ready.
func (c *Cluster) nodeStatus(ctx context.Context, nodes []layout.Node, row func(cells ...any)) (broken int) {
	if err := c.connect(); err != nil {
		if !errors.Is(err, os.ErrPermission) {
			broken++
		}
		row(fmt.Sprintf("nodes:\tunknown: %v", err))
		return broken
	}
	for _, node := range nodes {
		var object api.Node
		err := c.client.Get(ctx, nodePath(node), &object)
		ready, why := object.Ready()
		switch {
		case err != nil:
			row(fmt.Sprintf("node:\t%s\t%s\tunknown: %v", node.Name, node.IP(), err))
		case !ready:
			row(fmt.Sprintf("node:\t%s\t%s\tnot ready: %s", node.Name, node.IP(), why))
		default:
			row(fmt.Sprintf("node:\t%s\t%s\tready", node.Name, node.IP()))
			continue
		}
		broken++
	}
	return broken
}

func processNames(nodes []layout.Node) []string {
	names := []string{"etcd", "apiserver", "controller-manager", "scheduler", "provisioner"}
	for _, node := range nodes {
		for _, program := range []string{"containerd", "kubelet", "proxy"} {
			names = append(names, node.Process(program))
		}
	}
	return names
}
