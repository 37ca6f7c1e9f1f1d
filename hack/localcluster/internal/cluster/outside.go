package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// removeShimSockets removes the sockets of a node's shims. containerd names
// them by a hash in a folder that all containerds share, and says in the
// bundle of each container which one is its.
func removeShimSockets(node layout.Node) error {
	bundles, err := filepath.Glob(filepath.Join(node.Containerd(), "state/io.containerd.runtime.v2.task/*/*/bootstrap.json"))
	if err != nil {
		return fmt.Errorf("list containers of %s: %w", node.Name, err)
	}
	for _, bundle := range bundles {
		content, err := os.ReadFile(bundle)
		if err != nil {
			continue // removed meanwhile
		}
		var bootstrap struct {
			Address string `json:"address"`
		}
		if json.Unmarshal(content, &bootstrap) != nil {
			continue
		}
		socket, ok := strings.CutPrefix(bootstrap.Address, "unix://")
		if !ok || !filepath.IsAbs(socket) {
			continue
		}
		if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove shim socket: %w", err)
		}
	}
	return nil
}

// removeOutside removes what Kubernetes leaves at paths that cannot be
// configured: files that are known to be this cluster's, then the folders that
// were not there before and are empty now.
func removeOutside(state string, base baseline) error {
	var failures []error
	for n := 1; n <= layout.MaxNodes; n++ {
		// The CNI library's memory of a pod's network, by network name.
		paths, err := filepath.Glob(filepath.Join("/var/lib/cni/results", (layout.Layout{}).Node(n).Name+"-*"))
		failures = append(failures, err, removeAll(paths))
	}
	links, err := filepath.Glob("/var/log/containers/*.log")
	failures = append(failures, err)
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, state+"/") {
			failures = append(failures, os.Remove(link))
		}
	}
	const plugins = "/var/lib/kubelet/device-plugins"
	if !slices.Contains(base.Folders, plugins) {
		failures = append(failures, removeAll([]string{
			plugins + "/kubelet.sock", plugins + "/kubelet_internal_checkpoint", plugins + "/DEPRECATION",
		}))
	}
	if !slices.Contains(base.Folders, netnsFolder) {
		// `ip netns` mounts the folder onto itself. Removing it while it holds
		// namespaces of others fails, as it should; unmounting would not.
		if entries, err := os.ReadDir(netnsFolder); err == nil && len(entries) == 0 {
			failures = append(failures, unmountBelow(netnsFolder))
		}
	}
	const mountTable = "/run/mount/utab"
	info, err := os.Stat(mountTable)
	if err == nil && info.Size() == 0 && !slices.Contains(base.Folders, filepath.Dir(mountTable)) {
		failures = append(failures, removeAll([]string{mountTable, mountTable + ".lock"}))
	}
	for _, folder := range outsideFolders {
		if !slices.Contains(base.Folders, folder) {
			// Fails when it is not empty, and then it is not ours to remove.
			_ = os.Remove(folder)
		}
	}
	return errors.Join(failures...)
}

func removeAll(paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove leftover: %w", err)
		}
	}
	return nil
}
