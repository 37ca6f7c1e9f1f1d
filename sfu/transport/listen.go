package transport

import (
	"errors"
	"fmt"
	"net"

	"github.com/invigil/invigil/sfu/socket"
)

// openTries is how often a pair of ports is looked for where the caller leaves
// the number to the kernel, which chooses for UDP and may have given it away for
// TCP.
const openTries = 20

// open opens the media port, UDP and TCP with the same number.
func open(address string) (*socket.Socket, *net.TCPListener, error) {
	wanted, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("address: %w", err)
	}

	for try := 1; ; try++ {
		datagrams, err := socket.Listen(address)
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // it says enough
		}

		streams, err := listenTCP(datagrams.Addr())
		if err == nil {
			return datagrams, streams, nil
		}

		err = errors.Join(err, datagrams.Close())
		if wanted.Port != 0 || try == openTries {
			return nil, nil, err
		}
	}
}

// listenTCP listens on the address that UDP has.
func listenTCP(udp net.Addr) (*net.TCPListener, error) {
	local, err := net.ResolveTCPAddr("tcp", udp.String())
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}

	network := "tcp4"

	switch {
	case local.IP == nil || local.IP.IsUnspecified() && local.IP.To4() == nil:
		network = "tcp" // both families
	case local.IP.To4() == nil:
		network = "tcp6"
	}

	listener, err := net.ListenTCP(network, local)
	if err != nil {
		return nil, fmt.Errorf("ICE-TCP: %w", err)
	}

	return listener, nil
}
