package socket

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/invigil/invigil/internal/waiter"
)

// Listen opens a UDP port. Without a host (":7000") or with that of "[::]" it
// takes IPv6 and IPv4, or IPv4 alone where the kernel has no IPv6; with any other
// address that address only. Port 0 is a free one.
func Listen(address string) (*Socket, error) {
	local, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}

	s := &Socket{packets: newPackets(), datagrams: make([]Datagram, 0, BatchSize)}
	if err := s.open(local); err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}

	return s, nil
}

func (s *Socket) open(local *net.UDPAddr) (err error) {
	const kind = unix.SOCK_DGRAM | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC

	s.family = unix.AF_INET6
	if local.IP.To4() != nil {
		s.family = unix.AF_INET
	}

	s.fd, err = unix.Socket(int(s.family), kind, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && local.IP == nil {
		s.family = unix.AF_INET
		s.fd, err = unix.Socket(int(s.family), kind, 0)
	}

	if err != nil {
		return os.NewSyscallError("socket", err)
	}

	defer func() {
		if err != nil {
			err = errors.Join(err, os.NewSyscallError("close", unix.Close(s.fd)))
		}
	}()

	askForBuffers(s.fd)

	if err := s.bind(local); err != nil {
		return err
	}

	s.waiter, err = waiter.New(s.fd)

	return err
}

func (s *Socket) bind(local *net.UDPAddr) error {
	var name unix.Sockaddr

	if s.family == unix.AF_INET {
		v4 := &unix.SockaddrInet4{Port: local.Port}
		copy(v4.Addr[:], local.IP.To4())
		name = v4
	} else {
		v6 := &unix.SockaddrInet6{Port: local.Port}
		copy(v6.Addr[:], local.IP.To16())
		name = v6

		if local.Zone != "" {
			link, err := net.InterfaceByName(local.Zone)
			if err != nil {
				return err
			}

			v6.ZoneId = uint32(link.Index)
		}

		// The default is the system's, /proc/sys/net/ipv6/bindv6only.
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}

	if err := unix.Bind(s.fd, name); err != nil {
		return os.NewSyscallError("bind", err)
	}

	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}

	s.local = &net.UDPAddr{Zone: local.Zone}

	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		s.local.IP, s.local.Port = bound.Addr[:], bound.Port
	case *unix.SockaddrInet6:
		s.local.IP, s.local.Port = bound.Addr[:], bound.Port
	}

	return nil
}

// askForBuffers asks for large buffers, the first way as root without a limit,
// the second up to the system's (net.core.rmem_max, wmem_max). A socket with
// smaller ones works, and loses more under load.
func askForBuffers(fd int) {
	for _, options := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		for _, option := range options {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, bufferSize) == nil {
				break
			}
		}
	}
}
