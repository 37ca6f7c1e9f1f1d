package hostnet

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/layout"
)

// guard keeps the cluster to itself: what pods and nodes send stays on the
// machine, and other machines reach neither them nor the ports that the API
// server and the kubelet open on all addresses.
//
// The table is made anew each time, in one transaction.
func guard() string {
	ours := fmt.Sprintf("{ %q, %q }", layout.PodBridge, layout.NodeBridge)
	return fmt.Sprintf(`
add table inet %[1]s
delete table inet %[1]s
table inet %[1]s {
	chain forward {
		type filter hook forward priority -10; policy accept;
		iifname %[2]s oifname != %[2]s counter reject
		iifname != %[2]s oifname %[2]s counter drop
	}
	chain input {
		type filter hook input priority -10; policy accept;
		iifname != { "lo", %[3]q, %[4]q } tcp dport { %[5]d, %[6]d } counter drop
	}
}
`, layout.GuardTable, ours, layout.PodBridge, layout.NodeBridge, layout.APIPort, layout.KubeletPort)
}

// EnsureGuard puts the packet filter in place unless it is there.
func EnsureGuard(ctx context.Context) error {
	if TableExists(ctx, "inet", layout.GuardTable) {
		return nil
	}
	if _, err := runWith(ctx, guard(), "nft", "-f", "-"); err != nil {
		return fmt.Errorf("set packet filter: %w", err)
	}
	return nil
}

// Table is an nftables table.
type Table struct{ Family, Name string }

// String returns "family name".
func (t Table) String() string { return t.Family + " " + t.Name }

// SharedTables are the tables that kube-proxy and the portmap plugin make under
// names that are the same for every Kubernetes node.
func SharedTables() []Table {
	return []Table{
		{"ip", "kube-proxy"}, {"ip6", "kube-proxy"},
		{"ip", "cni_hostport"}, {"ip6", "cni_hostport"},
	}
}

// TableExists reports whether there is such a table.
func TableExists(ctx context.Context, family, name string) bool {
	_, err := run(ctx, "nft", "-t", "list", "table", family, name)
	return err == nil
}

// RemoveTable removes a table; there being none is a success.
func RemoveTable(ctx context.Context, family, name string) error {
	// Adding it first makes deleting it succeed in either case.
	commands := fmt.Sprintf("add table %[1]s %[2]s\ndelete table %[1]s %[2]s\n", family, name)
	if _, err := runWith(ctx, commands, "nft", "-f", "-"); err != nil {
		return fmt.Errorf("remove nft table %s %s: %w", family, name, err)
	}
	return nil
}

// acceptRules are needed where something else, most often Docker, has set the
// default for forwarded packets to drop: a verdict of accept in a table of our
// own does not overrule a drop in another.
func acceptRules() [][]string {
	var rules [][]string
	for _, bridge := range []string{layout.PodBridge, layout.NodeBridge} {
		rules = append(rules,
			[]string{"FORWARD", "-i", bridge, "-j", "ACCEPT"},
			[]string{"FORWARD", "-o", bridge, "-j", "ACCEPT"})
	}
	return rules
}

// forwardDrops reports whether there is a FORWARD chain that drops by default.
// Machines without iptables have no such chain; one that iptables cannot list
// counts as none.
func forwardDrops(ctx context.Context) bool {
	if _, err := exec.LookPath("iptables"); err != nil {
		return false
	}
	rules, err := run(ctx, "iptables", "-w", "-S", "FORWARD")
	return err == nil && strings.Contains(rules, "-P FORWARD DROP")
}

// EnsureForwarding lets the cluster's packets through a FORWARD chain that
// drops by default.
func EnsureForwarding(ctx context.Context) error {
	if !forwardDrops(ctx) {
		return nil
	}
	for _, rule := range acceptRules() {
		if _, err := run(ctx, "iptables", append([]string{"-w", "-C"}, rule...)...); err == nil {
			continue
		}
		if _, err := run(ctx, "iptables", append([]string{"-w", "-I"}, rule...)...); err != nil {
			return fmt.Errorf("let cluster packets through: %w", err)
		}
	}
	return nil
}

// RemoveForwarding removes what EnsureForwarding added.
func RemoveForwarding(ctx context.Context) {
	if _, err := exec.LookPath("iptables"); err != nil {
		return
	}
	// -S alone would make nft-backed iptables create empty tables; that is
	// harmless, but nothing should be there that was not there before.
	if !TableExists(ctx, "ip", "filter") {
		return
	}
	for _, rule := range acceptRules() {
		_, _ = run(ctx, "iptables", append([]string{"-w", "-D"}, rule...)...)
	}
}
