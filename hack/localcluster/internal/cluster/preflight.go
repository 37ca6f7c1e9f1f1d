package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/hostnet"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// checkMachine fails on machines and for users that cannot run a cluster.
func checkMachine() error {
	if runtime.GOOS != "linux" {
		return fault.New(fault.NotLinux, "pods need a Linux kernel, and this is %s", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return fault.New(fault.NotRoot, "making namespaces, bridges and cgroups needs root; try sudo")
	}
	return nil
}

// systemPrograms maps the programs that are not built from Go modules to the
// Debian packages that hold them.
var systemPrograms = []struct{ program, pkg string }{
	{"runc", "runc"},
	{"nft", "nftables"},
	{"ip", "iproute2"},
	{"mount", "mount"},
}

// ensurePackages installs the packages of programs that are missing.
func (c *Cluster) ensurePackages(ctx context.Context) error {
	missing := missingPrograms(exec.LookPath)
	if len(missing) == 0 {
		return nil
	}
	var packages, programs []string
	for _, m := range missing {
		programs = append(programs, m.program)
		packages = append(packages, m.pkg)
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return fault.New(fault.PackageMissing,
			"missing programs: %s (in Debian packages: %s), and there is no apt-get to install them with",
			strings.Join(programs, ", "), strings.Join(packages, ", "))
	}
	c.Report("installing packages: %s", strings.Join(packages, ", "))
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, packages...)
	if _, err := aptGet(ctx, apt, install...); err != nil {
		// The lists of a fresh machine may be empty or too old.
		if output, err := aptGet(ctx, apt, "update", "-q"); err != nil {
			return fault.Wrap(fault.PackageMissing, err, "update package lists: %s", lastLine(output))
		}
		if output, err := aptGet(ctx, apt, install...); err != nil {
			return fault.Wrap(fault.PackageMissing, err, "install %s: %s", strings.Join(packages, ", "), lastLine(output))
		}
	}
	if missing := missingPrograms(exec.LookPath); len(missing) > 0 {
		return fault.New(fault.PackageMissing, "program %s is still missing after package %s was installed",
			missing[0].program, missing[0].pkg)
	}
	return nil
}

func missingPrograms(look func(string) (string, error)) []struct{ program, pkg string } {
	return slices.DeleteFunc(slices.Clone(systemPrograms), func(s struct{ program, pkg string }) bool {
		_, err := look(s.program)
		return err == nil
	})
}

func aptGet(ctx context.Context, apt string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, apt, args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	output, err := command.CombinedOutput()
	return string(output), err
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// checkPorts fails when a port is taken that one of our processes, which does
// not run now, is going to need.
func (c *Cluster) checkPorts(ctx context.Context) error {
	for _, need := range []struct {
		process string
		port    int
	}{
		{"etcd", layout.EtcdPort},
		{"etcd", layout.EtcdPeerPort},
		{"apiserver", layout.APIPort},
		{c.Node(1).Process("kubelet"), layout.KubeletPort},
		{c.Node(1).Process("proxy"), layout.ProxyHealthPort},
	} {
		if record, ok := c.table.Read(need.process); ok && record.Running() {
			continue
		}
		if err := hostnet.CheckPortFree(ctx, need.port); err != nil {
			return fmt.Errorf("%w (needed by %s)", err, need.process)
		}
	}
	return nil
}
