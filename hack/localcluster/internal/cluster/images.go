package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// ctr runs containerd's own command on a node.
func (c *Cluster) ctr(ctx context.Context, node layout.Node, args ...string) error {
	command := exec.CommandContext(ctx, c.programs["ctr"], append([]string{"-a", node.Socket(), "-n", "k8s.io"}, args...)...)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, lastLine(string(output)))
	}
	return nil
}

// ensureOwnImages imports the images of the cluster itself. The kubelet cannot
// pull them again, and never removes them.
func (c *Cluster) ensureOwnImages(ctx context.Context, node layout.Node) error {
	// What was imported is remembered beside containerd's own data, with which
	// it is removed.
	stamp := filepath.Join(node.Dir(), "images.json")
	var imported []string
	if content, err := os.ReadFile(stamp); err == nil {
		_ = json.Unmarshal(content, &imported)
	}
	var missing []string
	for _, tarball := range c.tarballs {
		if !slices.Contains(imported, filepath.Base(tarball)) {
			missing = append(missing, tarball)
		}
	}
	if err := c.waitRuntime(ctx, node); err != nil || len(missing) == 0 {
		return err
	}
	for _, tarball := range missing {
		if err := c.ctr(ctx, node, "images", "import", tarball); err != nil {
			return fmt.Errorf("import %s on %s: %w", filepath.Base(tarball), node.Name, err)
		}
		imported = append(imported, filepath.Base(tarball))
	}
	content, err := json.Marshal(imported)
	if err != nil {
		return fmt.Errorf("encode list of images: %w", err)
	}
	c.Report("imported %d images on %s", len(missing), node.Name)
	return atomicfile.Write(stamp, content, 0o644)
}

func (c *Cluster) waitRuntime(ctx context.Context, node layout.Node) error {
	processes := []string{node.Process("containerd")}
	return c.wait(ctx, "containerd of "+node.Name, time.Minute, processes, func(ctx context.Context) error {
		return c.ctr(ctx, node, "version")
	})
}

// Load imports image tarballs, as `docker save` writes them, on every node.
func (c *Cluster) Load(ctx context.Context, tarballs []string) error {
	if err := checkMachine(); err != nil {
		return err
	}
	for i, tarball := range tarballs {
		file, err := os.Open(tarball)
		if err != nil {
			return fault.Wrap(fault.ImageUnreadable, err, "cannot read image")
		}
		_ = file.Close()
		// containerd is another process, with another working directory.
		if tarballs[i], err = filepath.Abs(tarball); err != nil {
			return fault.Wrap(fault.ImageUnreadable, err, "cannot read image")
		}
	}
	nodes := c.nodes()
	if len(nodes) == 0 {
		return fault.New(fault.NotRunning, "there is no cluster in %s", c.State)
	}
	for _, node := range nodes {
		record, ok := c.table.Read(node.Process("containerd"))
		if !ok || !record.Running() {
			return fault.New(fault.NotRunning, "containerd of %s does not run; try `up`", node.Name)
		}
		// The command that belongs to the containerd that runs.
		c.programs = artifacts.Programs{"ctr": filepath.Join(filepath.Dir(record.Command[0]), "ctr")}
		for _, tarball := range tarballs {
			if err := c.ctr(ctx, node, "images", "import", tarball); err != nil {
				return fault.Wrap(fault.ImageUnreadable, err, "import %s on %s", tarball, node.Name)
			}
			c.Report("loaded %s on %s", filepath.Base(tarball), node.Name)
		}
	}
	return nil
}
