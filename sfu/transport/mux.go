package transport

import (
	"net"

	"github.com/pion/ice/v4"
)

// muxFamilies is a UDP mux that names one listening address per IP family.
//
// pion gathers one candidate, with a reading goroutine each, per listening
// address, and on a wildcard socket those are all addresses of all interfaces.
// Nobody sees these candidates (package announce replaces them) and all of them
// send through the same socket, so one per family does: pion keeps a
// connection's packets apart by family only.
type muxFamilies struct {
	*ice.UDPMuxDefault
}

// GetListenAddresses returns the socket's address or, if that is a wildcard,
// the loopback addresses in its place.
func (m muxFamilies) GetListenAddresses() []net.Addr {
	local, ok := m.LocalAddr().(*net.UDPAddr)
	if !ok || !local.IP.IsUnspecified() {
		return []net.Addr{m.LocalAddr()}
	}

	addresses := []net.Addr{&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: local.Port}}
	if local.IP.To4() == nil {
		addresses = append(addresses, &net.UDPAddr{IP: net.IPv6loopback, Port: local.Port})
	}

	return addresses
}
