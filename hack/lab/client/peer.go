package client

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// Peer is a PeerConnection with a UDP socket of its own: one socket, whatever
// interfaces the machine has, and one that can be cut.
type Peer struct {
	*webrtc.PeerConnection

	mux   *ice.UDPMuxDefault
	track *webrtc.TrackLocalStaticSample
	// keyFrames receives when the server asks for a key frame.
	keyFrames chan struct{}
	readers   sync.WaitGroup
}

// NewPeer returns a peer with one VP8 track to send, not yet connected.
func NewPeer() (*Peer, error) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		return nil, fmt.Errorf("open media socket: %w", err)
	}

	loggers := logging.NewDefaultLoggerFactory()
	// Peers are cut on purpose, and pion complains of each.
	loggers.DefaultLogLevel = logging.LogLevelDisabled
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: loggers.NewLogger("mux")})

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetICEUDPMux(wildcardMux{mux})
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)

	p := &Peer{mux: mux, keyFrames: make(chan struct{}, 1)}

	p.PeerConnection, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new peer connection: %w", err), mux.Close())
	}

	if err := p.addVideo(); err != nil {
		return nil, errors.Join(err, p.Close())
	}

	return p, nil
}

func (p *Peer) addVideo() error {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", "student")
	if err != nil {
		return fmt.Errorf("new track: %w", err)
	}

	transceiver, err := p.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if err != nil {
		return fmt.Errorf("add track: %w", err)
	}

	p.track = track
	p.readers.Go(func() { p.readRTCP(transceiver.Sender()) })

	return nil
}

// readRTCP lets pion see the server's reports, and looks for what asks for a key
// frame.
func (p *Peer) readRTCP(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}

		for _, packet := range packets {
			if isKeyFrameRequest(packet) {
				select {
				case p.keyFrames <- struct{}{}:
				default:
				}
			}
		}
	}
}

// Track is what media is written to.
func (p *Peer) Track() *webrtc.TrackLocalStaticSample { return p.track }

// KeyFrameRequests receives when the server asks for a key frame.
func (p *Peer) KeyFrameRequests() <-chan struct{} { return p.keyFrames }

// Close says goodbye and returns once everything is released.
func (p *Peer) Close() error {
	err := p.GracefulClose()
	p.readers.Wait()

	return errors.Join(err, p.mux.Close())
}

// Vanish ends the peer as a killed browser does: without a word.
func (p *Peer) Vanish() error {
	return errors.Join(p.mux.Close(), p.Close())
}

// wildcardMux names one address per family for a socket on all of them; see
// sfu/transport for why.
type wildcardMux struct {
	*ice.UDPMuxDefault
}

// GetListenAddresses is ice.UDPMux's.
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
