package main

import (
	"fmt"
	"net"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// socketBuffer is what a client's socket keeps if the generator is late: more
// than 3 s of a wall. The kernel may allow less (net.core.rmem_max).
const socketBuffer = 4 << 20

// bufferedNet opens sockets with large buffers: what is lost should be lost by
// the server.
type bufferedNet struct{ *stdnet.Net }

func newBufferedNet() (bufferedNet, error) {
	system, err := stdnet.NewNet()
	if err != nil {
		return bufferedNet{}, fmt.Errorf("read network interfaces: %w", err)
	}

	return bufferedNet{system}, nil
}

// ListenUDP is transport.Net's.
func (bufferedNet) ListenUDP(network string, address *net.UDPAddr) (transport.UDPConn, error) {
	socket, err := net.ListenUDP(network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // pion says what it is about
	}

	if err := socket.SetReadBuffer(socketBuffer); err != nil {
		return nil, fmt.Errorf("set socket buffer: %w", err)
	}

	return socket, nil
}
