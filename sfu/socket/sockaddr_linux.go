package socket

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockaddr is a sockaddr_in or sockaddr_in6 as the kernel reads and writes it
// (ip(7), ipv6(7)): bytes, so that nothing needs to be cast.
type sockaddr [unix.SizeofSockaddrInet6]byte

// put writes an address for a socket of a family, and returns its length; 0 if
// that family cannot reach it.
func (a *sockaddr) put(family uint16, to netip.AddrPort) uint32 {
	addr := to.Addr()

	switch {
	case !addr.IsValid():
		return 0
	case family == unix.AF_INET6:
		scope, ok := scopeOf(addr)
		if !ok {
			return 0
		}

		ip := addr.As16() // IPv4 in its mapped form
		copy(a[8:], ip[:])
		binary.NativeEndian.PutUint32(a[4:], 0) // flow
		binary.NativeEndian.PutUint32(a[24:], scope)
	case addr.Unmap().Is4():
		ip := addr.Unmap().As4()
		copy(a[4:], ip[:])
		clear(a[8:])
	default:
		return 0
	}

	binary.NativeEndian.PutUint16(a[:], family)
	binary.BigEndian.PutUint16(a[2:], to.Port())

	if family == unix.AF_INET {
		return unix.SizeofSockaddrInet4
	}

	return unix.SizeofSockaddrInet6
}

// get returns the address that the kernel wrote.
func (a *sockaddr) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(a[2:])

	if binary.NativeEndian.Uint16(a[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:])), port)
	}

	addr := netip.AddrFrom16([16]byte(a[8:])).Unmap()
	if scope := binary.NativeEndian.Uint32(a[24:]); scope != 0 && addr.Is6() {
		// Link-local senders only: the one case in which reading allocates.
		addr = addr.WithZone(strconv.FormatUint(uint64(scope), 10))
	}

	return netip.AddrPortFrom(addr, port)
}

// scopeOf returns the interface of a link-local address. Names of interfaces are
// not looked up: get gives numbers, and answers go where questions came from.
func scopeOf(addr netip.Addr) (scope uint32, ok bool) {
	zone := addr.Zone()
	if zone == "" {
		return 0, true
	}

	index, err := strconv.ParseUint(zone, 10, 32)

	return uint32(index), err == nil
}
