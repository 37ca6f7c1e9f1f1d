package hostnet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// ownerPrefix starts the alias that marks a bridge as made by the cluster of
// one state folder.
const ownerPrefix = "invigil-localcluster "

func linkExists(name string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", name))
	return err == nil
}

// CheckOwner fails when a bridge of the cluster's name belongs to something
// else, such as the cluster of another state folder.
func CheckOwner(state string) error {
	for _, name := range []string{layout.PodBridge, layout.NodeBridge} {
		if !linkExists(name) {
			continue
		}
		alias, err := os.ReadFile(filepath.Join("/sys/class/net", name, "ifalias"))
		if err != nil {
			return fmt.Errorf("read owner of %s: %w", name, err)
		}
		switch owner, ours := strings.CutPrefix(strings.TrimSpace(string(alias)), ownerPrefix); {
		case ours && owner == state:
		case ours:
			return fault.New(fault.NetworkTaken,
				"bridge %s belongs to the cluster whose state folder is %s; take that one down first", name, owner)
		default:
			return fault.New(fault.NetworkTaken, "there is a link called %s that no local cluster made", name)
		}
	}
	return nil
}

// Present reports whether the cluster's pod bridge is there; CheckOwner says
// whose it is.
func Present() bool { return linkExists(layout.PodBridge) }

// ensureBridge makes a bridge with an address. Repeating it changes nothing.
func ensureBridge(ctx context.Context, name, address, state string) error {
	if !linkExists(name) {
		if err := runAll(ctx, "ip link add "+name+" type bridge"); err != nil {
			return err
		}
	}
	if _, err := run(ctx, "ip", "link", "set", name, "alias", ownerPrefix+state); err != nil {
		return err
	}
	return runAll(ctx, "ip address replace "+address+" dev "+name, "ip link set "+name+" up")
}

// EnsureFirstNode makes the network of the first node.
func EnsureFirstNode(ctx context.Context, node layout.Node) error {
	if err := ensureBridge(ctx, layout.PodBridge, node.PodGateway()+"/24", node.State); err != nil {
		return fmt.Errorf("make pod bridge: %w", err)
	}
	// A packet for a service that kube-proxy has not rewritten (yet) ends on the
	// bridge, where nobody answers, instead of leaving by the default route.
	if err := runAll(ctx, "ip route replace "+layout.ServiceNetwork+" dev "+layout.PodBridge); err != nil {
		return fmt.Errorf("route services: %w", err)
	}
	return nil
}

// EnsureNamespacedNode makes the network namespace of a further node and
// connects it.
func EnsureNamespacedNode(ctx context.Context, node layout.Node) error {
	if err := ensureBridge(ctx, layout.NodeBridge, layout.NodeGatewayCIDR, node.State); err != nil {
		return fmt.Errorf("make node bridge: %w", err)
	}
	if _, err := os.Stat(node.Namespace()); err != nil {
		if err := runAll(ctx, "ip netns add "+node.Name); err != nil {
			return fmt.Errorf("make namespace of %s: %w", node.Name, err)
		}
	}
	const inside = "eth0"
	if !linkExists(node.Link()) {
		add := fmt.Sprintf("ip link add %s type veth peer name %s netns %s", node.Link(), inside, node.Name)
		if err := runAll(ctx, add); err != nil {
			return fmt.Errorf("connect %s: %w", node.Name, err)
		}
	}
	if err := runAll(ctx,
		fmt.Sprintf("ip link set %s master %s", node.Link(), layout.NodeBridge),
		fmt.Sprintf("ip link set %s up", node.Link()),
		fmt.Sprintf("ip -n %s link set lo up", node.Name),
		fmt.Sprintf("ip -n %s address replace %s/24 dev %s", node.Name, node.IP(), inside),
		fmt.Sprintf("ip -n %s link set %s up", node.Name, inside),
		fmt.Sprintf("ip -n %s route replace default via %s", node.Name, layout.NodeGateway),
		fmt.Sprintf("ip route replace %s via %s dev %s", node.PodCIDR(), node.IP(), layout.NodeBridge),
	); err != nil {
		return fmt.Errorf("connect %s: %w", node.Name, err)
	}
	const forward = "echo 1 > " + sysctlRoot + "/net/ipv4/ip_forward"
	if _, err := run(ctx, "ip", "netns", "exec", node.Name, "sh", "-c", forward); err != nil {
		return fmt.Errorf("let %s forward: %w", node.Name, err)
	}
	return nil
}

// SetCable connects a namespaced node or pulls its cable.
func SetCable(ctx context.Context, node layout.Node, up bool) error {
	state := "down"
	if up {
		state = "up"
	}
	if err := runAll(ctx, fmt.Sprintf("ip link set %s %s", node.Link(), state)); err != nil {
		return fmt.Errorf("set cable of %s %s: %w", node.Name, state, err)
	}
	return nil
}

// RemoveNamespacedNode removes what EnsureNamespacedNode made for one node.
func RemoveNamespacedNode(ctx context.Context, node layout.Node) error {
	if linkExists(node.Link()) {
		if err := runAll(ctx, "ip link delete "+node.Link()); err != nil {
			return fmt.Errorf("disconnect %s: %w", node.Name, err)
		}
	}
	if _, err := os.Stat(node.Namespace()); err == nil {
		if err := runAll(ctx, "ip netns delete "+node.Name); err != nil {
			return fmt.Errorf("remove namespace of %s: %w", node.Name, err)
		}
	}
	if linkExists(layout.NodeBridge) {
		// Fails when the route is gone already, which is what is wanted.
		_, _ = run(ctx, "ip", "route", "delete", node.PodCIDR(), "dev", layout.NodeBridge)
	}
	return nil
}

// RemoveBridges removes the bridges, with them their routes, and the cables of
// pods that are still plugged into them.
func RemoveBridges(ctx context.Context) error {
	for _, bridge := range []string{layout.PodBridge, layout.NodeBridge} {
		if !linkExists(bridge) {
			continue
		}
		ports, err := filepath.Glob(filepath.Join("/sys/class/net", bridge, "brif", "*"))
		if err != nil {
			return fmt.Errorf("list ports of %s: %w", bridge, err)
		}
		for _, port := range ports {
			// A pod's end may vanish with its namespace at any time.
			if err := runAll(ctx, "ip link delete "+filepath.Base(port)); err != nil && linkExists(filepath.Base(port)) {
				return fmt.Errorf("remove port of %s: %w", bridge, err)
			}
		}
		if err := runAll(ctx, "ip link delete "+bridge); err != nil {
			return fmt.Errorf("remove bridge %s: %w", bridge, err)
		}
	}
	return nil
}
