package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// connection is a PeerConnection with a UDP socket of its own: one socket,
// whatever interfaces the machine has, and one that can be cut.
type connection struct {
	*webrtc.PeerConnection

	// mux is nil if the PeerConnection was made elsewhere.
	mux *ice.UDPMuxDefault

	mu      sync.Mutex
	closed  bool
	readers sync.WaitGroup
}

// newConnection returns a connection of a pion API with the given options, which
// must not be about the setting engine.
func newConnection(options ...func(*webrtc.API)) (*connection, error) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		return nil, fmt.Errorf("open media socket: %w", err)
	}

	loggers := logging.NewDefaultLoggerFactory()
	// Connections are cut on purpose, and pion complains of each.
	loggers.DefaultLogLevel = logging.LogLevelDisabled
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: loggers.NewLogger("mux")})

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetICEUDPMux(wildcardMux{mux})
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)

	peer, err := webrtc.NewAPI(append(options, webrtc.WithSettingEngine(settings))...).
		NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new peer connection: %w", err), mux.Close())
	}

	return &connection{PeerConnection: peer, mux: mux}, nil
}

// read runs a reader that ends with the PeerConnection, unless that has begun to
// close.
func (c *connection) read(reader func()) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if !c.closed {
		c.readers.Go(reader)
	}
}

// Close says goodbye and returns once everything is released.
func (c *connection) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()

	err := c.GracefulClose()
	c.readers.Wait()

	if c.mux != nil {
		err = errors.Join(err, c.mux.Close())
	}

	return err
}

// Offer makes the PeerConnection's offer, with all candidates in it, and sets
// it.
func Offer(ctx context.Context, peer *webrtc.PeerConnection) (string, error) {
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("create offer: %w", err)
	}

	gathered := webrtc.GatheringCompletePromise(peer)

	if err := peer.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("set offer: %w", err)
	}

	select {
	case <-gathered:
		return peer.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
}

// SetAnswer applies the answer to what Offer made.
func SetAnswer(peer *webrtc.PeerConnection, answer string) error {
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set answer: %w", err)
	}

	return nil
}

// wildcardMux names one address per family for a socket on all of them.
type wildcardMux struct {
	*ice.UDPMuxDefault
}

// GetListenAddresses is ice.UDPMux's. A mux that listens on the wildcard address
// would name every interface's.
func (m wildcardMux) GetListenAddresses() []net.Addr {
	local, ok := m.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil
	}

	return []net.Addr{
		&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: local.Port},
		&net.UDPAddr{IP: net.IPv6loopback, Port: local.Port},
	}
}
