// Package cluster brings a local cluster up and takes it down.
//
// Every step looks at what is there and does what is missing. So running `up`
// again is how a cluster is repaired, and a healthy one is left as it is.
package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/api"
	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/cgroup"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

// Cluster is the local cluster of one state folder.
type Cluster struct {
	layout.Layout
	// Report is told about each step.
	Report func(format string, args ...any)

	table       process.Table
	tree        cgroup.Tree
	programs    artifacts.Programs
	tarballs    []string
	credentials credentials
	client      *api.Client
	// started says when this command started which process.
	started map[string]time.Time
}

// New returns the cluster of a state folder, which need not exist.
func New(l layout.Layout, report func(format string, args ...any)) *Cluster {
	return &Cluster{
		Layout: l, Report: report,
		table: process.Table{Dir: l.Run()}, started: map[string]time.Time{},
	}
}

// server is the API server's address for processes of the machine.
func server() string { return fmt.Sprintf("https://127.0.0.1:%d", layout.APIPort) }

// nodes lists the nodes that the state folder has a place for.
func (c *Cluster) nodes() []layout.Node {
	var nodes []layout.Node
	for n := 1; n <= layout.MaxNodes; n++ {
		if _, err := os.Stat(c.Node(n).Dir()); err == nil {
			nodes = append(nodes, c.Node(n))
		}
	}
	return nodes
}

// environment is that of every process of the cluster.
func (c *Cluster) environment() []string {
	return []string{
		"HOME=/root",
		// containerd looks for its shim, and the shim for runc, in the PATH.
		"PATH=" + filepath.Dir(c.programs["containerd"]) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

// The cgroups that hold the cluster's own processes; those of pods are in one
// that is called like their node.
func controlGroup() string                 { return layout.ProcessCgroup + "/control-plane" }
func processGroup(node layout.Node) string { return layout.ProcessCgroup + "/" + node.Name }
