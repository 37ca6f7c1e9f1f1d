// Package artifacts builds the programs and images a local cluster is made of
// from pinned Go modules, and keeps them in the user's cache folder.
package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Component is a set of programs built together from one nested module.
type Component struct {
	// Name is the component's name, the first part of its cache folder.
	Name string
	// Module is the nested module under hack/localcluster/modules.
	Module string
	// Versioned is the required module whose version names the component;
	// empty for the module's own code.
	Versioned string
	// Tags are the build tags.
	Tags string
	// Packages maps the programs to the packages they are built from.
	Packages map[string]string
	// Stamp returns further linker flags for a version, such as those that
	// write the version into the programs.
	Stamp func(version string) string
}

// The components of a cluster.
var (
	Etcd = Component{
		Name: "etcd", Module: "runtime", Versioned: "go.etcd.io/etcd/server/v3",
		Packages: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"},
	}
	Kubernetes = Component{
		Name: "kubernetes", Module: "kubernetes", Versioned: "k8s.io/kubernetes",
		Packages: map[string]string{
			"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
			"kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
			"kube-proxy":              "k8s.io/kubernetes/cmd/kube-proxy",
			"kube-scheduler":          "k8s.io/kubernetes/cmd/kube-scheduler",
			"kubectl":                 "k8s.io/kubernetes/cmd/kubectl",
			"kubelet":                 "k8s.io/kubernetes/cmd/kubelet",
		},
		Stamp: kubernetesStamp,
	}
	Containerd = Component{
		Name: "containerd", Module: "runtime", Versioned: "github.com/containerd/containerd/v2",
		// Snapshotters that need C libraries or devices nobody here has.
		Tags: "no_btrfs,no_zfs,no_aufs,no_devmapper",
		Packages: map[string]string{
			"containerd":              "github.com/containerd/containerd/v2/cmd/containerd",
			"containerd-shim-runc-v2": "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
			"ctr":                     "github.com/containerd/containerd/v2/cmd/ctr",
		},
	}
	Plugins = Component{
		Name: "cni-plugins", Module: "runtime", Versioned: "github.com/containernetworking/plugins",
		Packages: map[string]string{
			"bridge":     "github.com/containernetworking/plugins/plugins/main/bridge",
			"host-local": "github.com/containernetworking/plugins/plugins/ipam/host-local",
			"portmap":    "github.com/containernetworking/plugins/plugins/meta/portmap",
		},
	}
	CoreDNS = Component{
		Name: "coredns", Module: "coredns", Versioned: "github.com/coredns/coredns",
		Packages: map[string]string{"coredns": "github.com/coredns/coredns"},
	}
	Provisioner = Component{
		Name: "provisioner", Module: "provisioner",
		Versioned: "sigs.k8s.io/sig-storage-lib-external-provisioner/v13",
		Packages:  map[string]string{"provisioner": "github.com/invigil/invigil/hack/localcluster/modules/provisioner"},
	}
	Pause = Component{
		Name: "pause", Module: "",
		Packages: map[string]string{"pause": "github.com/invigil/invigil/hack/localcluster/pause"},
	}
)

// All lists the components of a cluster, those that other tests wait for first.
func All() []Component {
	return []Component{Etcd, Kubernetes, Containerd, Plugins, CoreDNS, Provisioner, Pause}
}

// kubernetesStamp writes the version into the programs the way Kubernetes' own
// build does; without it they call themselves v0.0.0-master.
func kubernetesStamp(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	const variable = "-X k8s.io/component-base/version."
	flags := variable + "gitVersion=" + version
	if len(parts) == 3 {
		flags += " " + variable + "gitMajor=" + parts[0] + " " + variable + "gitMinor=" + parts[1]
	}
	return flags
}

// version returns the version that names the component, read from the nested
// module's go.mod so that it is written in one place only.
func (c Component) version(moduleDir string) (string, error) {
	if c.Versioned == "" {
		return "own", nil
	}
	content, err := os.ReadFile(filepath.Join(moduleDir, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("read version of %s: %w", c.Name, err)
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == c.Versioned && strings.HasPrefix(fields[1], "v") {
			return fields[1], nil
		}
	}
	return "", fmt.Errorf("read version of %s: %s does not require %s", c.Name, filepath.Join(moduleDir, "go.mod"), c.Versioned)
}

// fingerprint identifies what the component is built from beside its version:
// the module's requirements and code, and the flags.
func (c Component) fingerprint(sourceDir, version string) (string, error) {
	hash := sha256.New()
	for _, pattern := range []string{"go.mod", "go.sum", "*.go"} {
		paths, err := filepath.Glob(filepath.Join(sourceDir, pattern))
		if err != nil {
			return "", fmt.Errorf("list sources of %s: %w", c.Name, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("read sources of %s: %w", c.Name, err)
			}
			_, _ = fmt.Fprintf(hash, "%s %d\n", filepath.Base(path), len(content))
			_, _ = hash.Write(content)
		}
	}
	_, _ = fmt.Fprintln(hash, c.Tags, c.linkerFlags(version), len(c.Packages))
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// linkerFlags strips symbols, which halves the programs, and adds the stamp.
func (c Component) linkerFlags(version string) string {
	flags := "-s -w"
	if c.Stamp != nil {
		flags += " " + c.Stamp(version)
	}
	return flags
}
