// Package layout says where the parts of a local cluster are: folders, ports,
// addresses and names. They are all in one place because most of them have to
// agree with each other.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// StateVariable is the environment variable that moves the state folder.
const StateVariable = "INVIGIL_LOCALCLUSTER_STATE"

// Addresses and ports. The ports are not the usual ones, so that a cluster of
// another kind can be on the same machine.
const (
	APIPort          = 16443
	EtcdPort         = 12379
	EtcdPeerPort     = 12380
	KubeletPort      = 12250
	ProxyHealthPort  = 12256
	PodNetwork       = "10.244.0.0/16"
	ServiceNetwork   = "10.96.0.0/16"
	KubernetesIP     = "10.96.0.1"
	DNSIP            = "10.96.0.10"
	ClusterDomain    = "cluster.local"
	NodeNetwork      = "10.89.0.0/24"
	NodeGateway      = "10.89.0.1"
	NodeGatewayCIDR  = "10.89.0.1/24"
	MaxNodes         = 2
	Context          = "invigil-local"
	ProvisionerName  = "invigil.local/folder"
	StorageClass     = "local-folder"
	ProvisionerUser  = "invigil:provisioner"
	TokenIssuer      = "https://kubernetes.default.svc.cluster.local"
	PodBridge        = "invigil0"
	NodeBridge       = "invigil-nodes"
	GuardTable       = "invigil_localcluster"
	ProcessCgroup    = "invigil-processes"
	maxSocketPathLen = 107
)

// Layout is the state folder of a cluster.
type Layout struct{ State string }

// FromEnvironment returns the layout that the environment asks for.
func FromEnvironment() (Layout, error) {
	state := os.Getenv(StateVariable)
	if state == "" {
		state = "/var/lib/invigil-localcluster"
	}
	if !filepath.IsAbs(state) || filepath.Clean(state) == "/" {
		return Layout{}, fmt.Errorf("%s must be an absolute path of a folder, got %q", StateVariable, state)
	}
	l := Layout{State: filepath.Clean(state)}
	// The kernel limits socket paths; containerd adds an ending for a second
	// socket beside its own.
	if longest := l.Node(1).Socket() + ".ttrpc"; len(longest) > maxSocketPathLen {
		return Layout{}, fmt.Errorf("%s is too long: socket %s has more than %d characters",
			StateVariable, longest, maxSocketPathLen)
	}
	return l, nil
}

// PKI is the folder of certificates and keys.
func (l Layout) PKI() string { return filepath.Join(l.State, "pki") }

// Run is the folder of process records.
func (l Layout) Run() string { return filepath.Join(l.State, "run") }

// Logs is the folder of logs.
func (l Layout) Logs() string { return filepath.Join(l.State, "log") }

// Log is the log file of a process.
func (l Layout) Log(process string) string { return filepath.Join(l.Logs(), process+".log") }

// Etcd is the folder of the cluster's data.
func (l Layout) Etcd() string { return filepath.Join(l.State, "etcd") }

// Volumes is the folder of persistent volumes.
func (l Layout) Volumes() string { return filepath.Join(l.State, "volumes") }

// Config is the path of a configuration file.
func (l Layout) Config(name string) string { return filepath.Join(l.State, "config", name) }

// Kubeconfig is the kubeconfig of a component.
func (l Layout) Kubeconfig(user string) string { return l.Config(user + ".kubeconfig") }

// AdminKubeconfig is the kubeconfig for people and tests.
func (l Layout) AdminKubeconfig() string { return filepath.Join(l.State, "admin.kubeconfig") }

// Baseline is the file that says how the machine was before the cluster.
func (l Layout) Baseline() string { return filepath.Join(l.State, "baseline.json") }

// Addons is the file that remembers which addons were applied.
func (l Layout) Addons() string { return filepath.Join(l.State, "addons.sha256") }

// Node is one node of the cluster; the first is the machine itself, others are
// network namespaces.
type Node struct {
	Layout
	// Number counts from 1.
	Number int
	Name   string
}

// Node returns node number n.
func (l Layout) Node(n int) Node {
	return Node{Layout: l, Number: n, Name: fmt.Sprintf("invigil-%d", n)}
}

// NodeNamed returns the node of that name.
func (l Layout) NodeNamed(name string) (Node, bool) {
	for n := 1; n <= MaxNodes; n++ {
		if node := l.Node(n); node.Name == name {
			return node, true
		}
	}
	return Node{}, false
}

// Dir is the node's folder.
func (n Node) Dir() string { return filepath.Join(n.State, fmt.Sprintf("n%d", n.Number)) }

// Containerd is the folder of the node's container runtime.
func (n Node) Containerd() string { return filepath.Join(n.Dir(), "c") }

// Socket is the container runtime's socket.
func (n Node) Socket() string { return filepath.Join(n.Containerd(), "containerd.sock") }

// Kubelet is the kubelet's root folder.
func (n Node) Kubelet() string { return filepath.Join(n.Dir(), "kubelet") }

// CNI is the folder of the node's network configuration.
func (n Node) CNI() string { return filepath.Join(n.Dir(), "cni") }

// PodCIDR is the range of the node's pod addresses.
func (n Node) PodCIDR() string { return fmt.Sprintf("10.244.%d.0/24", n.Number-1) }

// PodGateway is the address of the node's pod bridge.
func (n Node) PodGateway() string { return fmt.Sprintf("10.244.%d.1", n.Number-1) }

// IP is the node's own address. The first node takes that of its pod bridge:
// it has to be one that pods and other nodes reach, and the kubelet refuses
// loopback addresses.
func (n Node) IP() string {
	if n.Number == 1 {
		return n.PodGateway()
	}
	return fmt.Sprintf("10.89.0.%d", n.Number)
}

// Namespaced reports whether the node is in a network namespace of its own.
func (n Node) Namespaced() bool { return n.Number > 1 }

// Namespace is the file of the node's network namespace, "" for the machine's.
func (n Node) Namespace() string {
	if !n.Namespaced() {
		return ""
	}
	return filepath.Join("/run/netns", n.Name)
}

// Link is the host's end of the cable to a namespaced node.
func (n Node) Link() string { return n.Name }

// Process is the name of one of the node's processes.
func (n Node) Process(program string) string { return fmt.Sprintf("%s-%d", program, n.Number) }
