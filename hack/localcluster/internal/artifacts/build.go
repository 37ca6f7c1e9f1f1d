package artifacts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// Build returns the folder of a component's programs and builds them first if
// the cache does not have them.
func (s *Store) Build(ctx context.Context, c Component) (string, error) {
	path, err := s.Path(c)
	if err != nil {
		return "", err
	}
	if exists(path) {
		return path, nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(s.Dir, ".lock"), func() {
		s.Report("waiting for another build to finish")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(path) { // built by the process that had the lock
		return path, nil
	}
	return path, s.build(ctx, c, path)
}

func (s *Store) build(ctx context.Context, c Component, path string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return fault.Wrap(fault.GoMissing, err, "the go command is needed to build %s", c.Name)
	}
	version, err := c.version(s.moduleDir(c))
	if err != nil {
		return err
	}
	draft, err := os.MkdirTemp(s.Dir, ".draft-*")
	if err != nil {
		return fmt.Errorf("build %s: %w", c.Name, err)
	}
	defer func() { _ = os.RemoveAll(draft) }()
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("build %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }()

	started := time.Now()
	s.Report("building %s %s (log: %s)", c.Name, version, s.Log)
	for _, program := range slices.Sorted(maps.Keys(c.Packages)) {
		args := []string{
			"build", "-C", s.moduleDir(c), "-mod=readonly", "-trimpath", "-buildvcs=false",
			"-p", strconv.Itoa(min(runtime.NumCPU(), 4)),
			"-ldflags", c.linkerFlags(version),
			"-o", filepath.Join(draft, program),
		}
		if c.Tags != "" {
			args = append(args, "-tags", c.Tags)
		}
		command := exec.CommandContext(ctx, "go", append(args, c.Packages[program])...)
		// GOFLAGS and GOWORK of the caller are about the caller's module.
		command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
		command.Stdout, command.Stderr = log, log
		_, _ = fmt.Fprintf(log, "--- %s: %v\n", time.Now().Format(time.RFC3339), command.Args)
		if err := command.Run(); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("build %s: %w", program, ctx.Err())
			}
			return fault.Wrap(fault.BuildFailed, err, "build %s, see %s", program, s.Log)
		}
	}
	if err := os.Chmod(draft, 0o755); err != nil {
		return fmt.Errorf("build %s: %w", c.Name, err)
	}
	if err := os.Rename(draft, path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("build %s: %w", c.Name, err)
	}
	s.Report("built %s %s in %s", c.Name, version, time.Since(started).Round(time.Second))
	return nil
}

// Assets returns a folder that holds kube-apiserver, etcd and kubectl, which
// is what envtest wants in KUBEBUILDER_ASSETS.
func (s *Store) Assets(ctx context.Context) (string, error) {
	etcd, err := s.Build(ctx, Etcd)
	if err != nil {
		return "", err
	}
	kubernetes, err := s.Build(ctx, Kubernetes)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(s.Dir, "assets-"+filepath.Base(kubernetes)+"-"+filepath.Base(etcd))
	if exists(dir) {
		return dir, nil
	}
	draft, err := os.MkdirTemp(s.Dir, ".draft-*")
	if err != nil {
		return "", fmt.Errorf("make assets folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(draft) }()
	for name, from := range map[string]string{"etcd": etcd, "kube-apiserver": kubernetes, "kubectl": kubernetes} {
		// Relative links, so that a copied or moved cache stays whole.
		if err := os.Symlink(filepath.Join("..", filepath.Base(from), name), filepath.Join(draft, name)); err != nil {
			return "", fmt.Errorf("make assets folder: %w", err)
		}
	}
	if err := os.Chmod(draft, 0o755); err != nil {
		return "", fmt.Errorf("make assets folder: %w", err)
	}
	// Losing the race against another process is fine: it made the same folder.
	if err := os.Rename(draft, dir); err != nil && !exists(dir) {
		return "", fmt.Errorf("make assets folder: %w", err)
	}
	return dir, nil
}
