package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

// baseline is how the machine was before the cluster, so that `down` can leave
// it like that.
type baseline struct {
	BootID string `json:"bootID"`
	// Settings are the kernel settings that the cluster changes.
	Settings map[string]string `json:"settings"`
	// Folders are those, among the ones that Kubernetes makes outside of the
	// state folder, that were there.
	Folders []string `json:"folders"`
}

// outsideFolders are made by Kubernetes at paths that cannot be configured,
// each after those inside of it.
var outsideFolders = []string{
	"/var/lib/kubelet/device-plugins", "/var/lib/kubelet",
	"/var/lib/cni/results", "/var/lib/cni",
	"/var/log/containers", "/var/log/pods",
	"/run/containerd/s", "/run/containerd",
	netnsFolder, "/run/mount",
}

// netnsFolder is where `ip netns` keeps its namespaces.
const netnsFolder = "/run/netns"

func (c *Cluster) readBaseline() (baseline, bool) {
	content, err := os.ReadFile(c.Baseline())
	if err != nil {
		return baseline{}, false
	}
	var b baseline
	return b, json.Unmarshal(content, &b) == nil
}

// recordBaseline looks at the machine unless that was done before.
func (c *Cluster) recordBaseline(ctx context.Context) error {
	if _, ok := c.readBaseline(); ok {
		return nil
	}
	for _, table := range hostnet.SharedTables() {
		if hostnet.TableExists(ctx, table.Family, table.Name) {
			return fault.New(fault.ForeignNode,
				"there is an nft table %q that this cluster did not make: "+
					"this machine is a node of another Kubernetes cluster, and the two would fight over it", table.String())
		}
	}
	boot, err := process.BootID()
	if err != nil {
		return err
	}
	b := baseline{BootID: boot, Settings: hostnet.ReadSettings()}
	for _, folder := range outsideFolders {
		if _, err := os.Stat(folder); err == nil {
			b.Folders = append(b.Folders, folder)
		}
	}
	content, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("encode baseline: %w", err)
	}
	return atomicfile.Write(c.Baseline(), content, 0o644)
}

// rebooted reports whether the machine was started again since the baseline.
func (c *Cluster) rebooted() bool {
	b, ok := c.readBaseline()
	boot, err := process.BootID()
	return ok && err == nil && b.BootID != boot
}
