package sfu_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/wire"
)

// TestReach publishes and views over each network that there is by itself.
func TestReach(t *testing.T) {
	for name, tc := range map[string]struct {
		ip      string
		network webrtc.NetworkType
	}{
		"UDP over IPv4": {"127.0.0.1", webrtc.NetworkTypeUDP4},
		// pion uses no socket on ::1.
		"UDP over IPv6": {"host", webrtc.NetworkTypeUDP6},
		"TCP over IPv4": {"127.0.0.1", webrtc.NetworkTypeTCP4},
		"TCP over IPv6": {"::1", webrtc.NetworkTypeTCP6},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPod(t, func(o *podOptions) { o.listen, o.unready = ":0", true })

			if tc.ip == "host" {
				tc.ip = hostIPv6(t)
			}

			p.announce(wire.Address{IP: tc.ip, Port: uint16(p.media.Port)})
			p.eventually("ready", 5*time.Second, func() bool { return p.status("/readyz") == 200 })

			publisher := newEndpoint(t, webrtc.Configuration{}, tc.network)
			publisher.show(t, newCamera(t, cameraClip))
			p.join(publisher, "ada", "")

			viewer := newEndpoint(t, webrtc.Configuration{}, tc.network)
			viewer.watch(t)
			p.join(viewer, "eve", "ada")

			p.eventually("media arrives", 20*time.Second, func() bool { return p.receiving("ada") })
			p.eventually("the viewer gets it", 20*time.Second, func() bool { return viewer.packets.Load() > 100 })

			for _, e := range []*endpoint{publisher, viewer} {
				if pair := e.pair(t); !strings.EqualFold(pair.Remote.Protocol.String(), name[:3]) {
					t.Errorf("the pair is %v", pair)
				}
			}

			if n := p.metric(`invigil_sfu_stream_lost_packets_total{layer="0",student="ada"}`); n != "0" {
				t.Errorf("%s packets of ada are lost", n)
			}
		})
	}
}

// hostIPv6 returns an address of this machine that is not a loopback one.
func hostIPv6(t *testing.T) string {
	t.Helper()

	addresses, err := net.InterfaceAddrs()
	must(t, err)

	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() == nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}

	t.Skip("no interface but the loopback one has an IPv6 address")

	return ""
}
