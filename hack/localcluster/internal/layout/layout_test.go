package layout

import (
	"net/netip"
	"strings"
	"testing"
)

func TestNodesFitTheNetworks(t *testing.T) {
	pods := netip.MustParsePrefix(PodNetwork)
	seen := map[string]bool{}
	for n := 1; n <= MaxNodes; n++ {
		node := Layout{State: "/state"}.Node(n)
		cidr := netip.MustParsePrefix(node.PodCIDR())
		if !pods.Contains(cidr.Addr()) || !cidr.Contains(netip.MustParseAddr(node.PodGateway())) {
			t.Errorf("%s: pods %s, gateway %s", node.Name, node.PodCIDR(), node.PodGateway())
		}
		netip.MustParseAddr(node.IP())
		// Names of links are limited to 15 characters.
		if len(node.Link()) > 15 {
			t.Errorf("link name %s is too long", node.Link())
		}
		for _, unique := range []string{node.Name, node.IP(), node.PodCIDR(), node.Socket(), node.Kubelet()} {
			if seen[unique] {
				t.Errorf("%s is used twice", unique)
			}
			seen[unique] = true
		}
	}
	services := netip.MustParsePrefix(ServiceNetwork)
	for _, ip := range []string{KubernetesIP, DNSIP} {
		if !services.Contains(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not in %s", ip, ServiceNetwork)
		}
	}
}

func TestStateFolderFromEnvironment(t *testing.T) {
	for value, want := range map[string]string{
		"":                             "/var/lib/invigil-localcluster",
		"/some/where/":                 "/some/where",
		"relative":                     "error",
		"/":                            "error",
		"/" + strings.Repeat("x", 100): "error",
	} {
		t.Setenv(StateVariable, value)
		l, err := FromEnvironment()
		if got := l.State; (err != nil) != (want == "error") || (err == nil && got != want) {
			t.Errorf("%q: got %q, %v", value, got, err)
		}
	}
}
