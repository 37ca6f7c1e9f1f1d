package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/api"
	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
	"github.com/invigil/invigil/hack/localcluster/internal/manifest"
)

const coreDNSPath = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"

// kubectl runs kubectl as administrator.
func (c *Cluster) kubectl(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, c.programs["kubectl"], append([]string{
		"--kubeconfig=" + c.AdminKubeconfig(),
		"--cache-dir=" + filepath.Join(c.State, "kubectl-cache"),
	}, args...)...)
	command.Env = c.environment()
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", args[0], err, strings.TrimSpace(string(output)))
	}
	return nil
}

// ensureAddons applies the objects that every cluster starts with, when they
// have changed since they were last applied or the name server is gone.
func (c *Cluster) ensureAddons(ctx context.Context) error {
	content, err := manifest.Addons(artifacts.CoreDNSImage)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	wanted := hex.EncodeToString(sum[:])
	applied, _ := os.ReadFile(c.Addons())
	err = c.client.Get(ctx, coreDNSPath, nil)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return fmt.Errorf("look for name server: %w", err)
	}
	if err == nil && string(applied) == wanted {
		return nil
	}
	path := c.Config("addons.yaml")
	if err := atomicfile.Write(path, content, 0o644); err != nil {
		return err
	}
	// Right after its start the API server may not have made its built-in
	// priority classes and roles yet.
	err = c.wait(ctx, "addons", time.Minute, []string{"apiserver"}, func(ctx context.Context) error {
		return c.kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--field-manager=localcluster", "-f", path)
	})
	if err != nil {
		return err
	}
	c.Report("addons applied")
	return atomicfile.Write(c.Addons(), []byte(wanted), 0o644)
}

// ensureDNS waits until the name server answers.
func (c *Cluster) ensureDNS(ctx context.Context) error {
	processes := []string{"apiserver", "controller-manager", "scheduler", c.Node(1).Process("kubelet")}
	return c.wait(ctx, "CoreDNS", 2*time.Minute, processes, func(ctx context.Context) error {
		var deployment api.Deployment
		if err := c.client.Get(ctx, coreDNSPath, &deployment); err != nil {
			return err
		}
		if !deployment.Available() {
			return errors.New("deployment kube-system/coredns is not available")
		}
		return nil
	})
}
