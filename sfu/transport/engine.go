// Package transport moves media with pion: one UDP port for all publishers, ICE
// lite, one PeerConnection per publisher. It is the part that an in-line path
// on the same port will replace.
package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"
	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/conn"
)

const (
	// silentAfter is how long nothing may be heard of a publisher before it
	// counts as silent. Browsers check consent every 4 to 6 s (RFC 7675, section
	// 5.1) and send RTCP about once a second, media or not.
	silentAfter = 5 * time.Second

	// failedAfter is when pion itself gives up. Sessions end sooner, on their
	// own timers; pion's deadline for the very first check is the sum of both,
	// and must not come before a session's connect timeout.
	failedAfter = 20 * time.Second

	// checkInterval is how often pion looks whether a publisher is silent. Its
	// name there is keep-alive, but an ICE-lite agent sends none.
	checkInterval = time.Second

	// socketBuffer holds about 250 ms of 1,000 students at 400 kbit/s. The
	// kernel may grant less (net.core.rmem_max).
	socketBuffer = 12 << 20
)

// Engine answers offers. All its connections share one UDP socket.
type Engine struct {
	api         *webrtc.API
	mux         *ice.UDPMuxDefault
	certificate webrtc.Certificate
}

// Listen opens the media socket on address, such as ":7000" for every address
// of the pod, IPv4 and IPv6, and returns the engine behind it.
func Listen(address string, logger *zap.Logger) (*Engine, error) {
	local, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("media address: %w", err)
	}

	// One certificate for the process: browsers check its fingerprint, which is
	// in each answer, and a key pair per student would only cost CPU at joins.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate DTLS key: %w", err)
	}

	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate DTLS certificate: %w", err)
	}

	socket, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}

	// Best effort: a smaller buffer loses packets in bursts, and nothing else.
	_ = socket.SetReadBuffer(socketBuffer)
	_ = socket.SetWriteBuffer(socketBuffer)

	loggers := loggerFactory{logger}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: loggers.NewLogger("mux")})

	api, err := newAPI(mux, loggers)
	if err != nil {
		return nil, fmt.Errorf("set up pion: %w", closeAfter(mux, err))
	}

	return &Engine{api: api, mux: mux, certificate: *certificate}, nil
}

func newAPI(mux *ice.UDPMuxDefault, loggers loggerFactory) (*webrtc.API, error) {
	// Shared, since each agent would otherwise list the machine's interfaces.
	network, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetNet(network)
	settings.SetLite(true)
	settings.SetICEUDPMux(muxFamilies{mux})
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(true)
	// Otherwise each agent opens a multicast socket to resolve names that it
	// would never send to.
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(silentAfter, failedAfter, checkInterval)
	settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)

	// Passive: the student's ICE agent is the one that knows when the path is up.
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, fmt.Errorf("DTLS role: %w", err)
	}

	media := &webrtc.MediaEngine{}
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:  webrtc.MimeTypeVP8,
			ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: webrtc.TypeRTCPFBNACK},
				{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
				{Type: webrtc.TypeRTCPFBGoogREMB},
			},
		},
		PayloadType: 96,
	}, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, fmt.Errorf("register VP8: %w", err)
	}

	interceptors := &interceptor.Registry{}

	lost, err := nack.NewGeneratorInterceptor(nack.WithGeneratorLoggerFactory(loggers))
	if err != nil {
		return nil, fmt.Errorf("NACK: %w", err)
	}

	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(loggers))
	if err != nil {
		return nil, fmt.Errorf("receiver reports: %w", err)
	}

	interceptors.Add(lost)
	interceptors.Add(reports)

	if err := webrtc.ConfigureTWCCSenderWithOptions(media, interceptors, twcc.WithLoggerFactory(loggers)); err != nil {
		return nil, fmt.Errorf("transport-wide congestion control: %w", err)
	}

	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors),
	), nil
}

// Accept is conn.Engine's.
func (e *Engine) Accept(ctx context.Context, offer string) (conn.Conn, string, error) {
	peer, err := e.api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{e.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, "", fmt.Errorf("new peer connection: %w", err)
	}

	accepted := newConn(peer)

	answer, err := negotiate(ctx, peer, offer)
	if err != nil {
		return nil, "", closeAfter(accepted, err)
	}

	return accepted, answer, nil
}

func negotiate(ctx context.Context, peer *webrtc.PeerConnection, offer string) (string, error) {
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("%w: %w", conn.ErrOffer, err)
	}

	answer, err := peer.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", conn.ErrOffer, err)
	}

	// Until gathering is over the socket does not know the new connection, and
	// the student's first checks would be lost.
	gathered := webrtc.GatheringCompletePromise(peer)

	if err := peer.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}

	select {
	case <-gathered:
		return peer.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("answer: %w", context.Cause(ctx))
	}
}

// Close closes the media socket. Connections must be closed before.
func (e *Engine) Close() error {
	if err := e.mux.Close(); err != nil {
		return fmt.Errorf("close media socket: %w", err)
	}

	return nil
}

// Addr is the local address of the media socket.
func (e *Engine) Addr() net.Addr { return e.mux.LocalAddr() }

var _ conn.Engine = (*Engine)(nil)
