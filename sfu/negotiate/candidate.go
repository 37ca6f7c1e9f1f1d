package negotiate

import (
	"fmt"
	"net/netip"
)

// Protocol is a candidate's transport.
type Protocol string

const (
	// UDP is ICE over UDP (RFC 8839).
	UDP Protocol = "udp"
	// TCP is ICE over TCP (RFC 6544), where the offerer opens the connection.
	TCP Protocol = "tcp"
)

// Candidate is an address at which offerers reach us.
type Candidate struct {
	netip.AddrPort

	Protocol Protocol
}

func (c Candidate) valid() bool {
	return c.IsValid() && c.Port() != 0 && (c.Protocol == UDP || c.Protocol == TCP)
}

// attribute returns the i-th candidate's value of a=candidate. Candidates come
// in order of preference, except that UDP is always before TCP: media suffers
// from retransmissions. Each address is its own base, so each has its own
// foundation.
func (c Candidate) attribute(i int) string {
	const (
		component = 1
		// RFC 8445, section 5.1.2.1: 126 for host candidates. RFC 6544, section
		// 4.2: less for TCP; this is what browsers take.
		udpPreference, tcpPreference = 126, 90
		// RFC 6544, section 4.2: passive candidates' share of the local preference.
		passive = 4
		// The lower bits of the local preference are for the address.
		maxUDP, maxTCP = 1<<16 - 1, 1<<13 - 1
	)

	preference, local, suffix := udpPreference, max(maxUDP-i, 0), ""
	if c.Protocol == TCP {
		preference, local, suffix = tcpPreference, passive<<13|max(maxTCP-i, 0), " tcptype passive"
	}

	priority := preference<<24 | local<<8 | (256 - component)

	return fmt.Sprintf("%d %d %s %d %s %d typ host%s",
		i+1, component, c.Protocol, priority, c.Addr().Unmap().WithZone(""), c.Port(), suffix)
}
