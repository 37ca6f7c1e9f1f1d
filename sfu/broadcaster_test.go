package sfu_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// broadcaster publishes one or two layers.
type broadcaster struct {
	*webrtc.PeerConnection

	id, location, etag, answer string
	feeds                      []*feed
	mux                        *ice.UDPMuxDefault
	socket                     *lossySocket
	stop                       func()
}

// lossySocket loses what lose says.
type lossySocket struct {
	net.PacketConn

	lose atomic.Pointer[func(datagram []byte) bool]
}

func (s *lossySocket) WriteTo(datagram []byte, to net.Addr) (int, error) {
	if lose := s.lose.Load(); lose != nil && (*lose)(datagram) {
		return len(datagram), nil
	}

	return s.PacketConn.WriteTo(datagram, to) //nolint:wrapcheck // it stands for it
}

// isRTP tells whether a datagram is an RTP packet (RFC 7983; RFC 5761).
func isRTP(d []byte) bool {
	return len(d) > 12 && d[0]>>6 == 2 && (d[1]&0x7f < 64 || d[1]&0x7f >= 96)
}

func newBroadcaster(t *testing.T, id string, engine *webrtc.MediaEngine, feeds ...*feed) *broadcaster {
	t.Helper()

	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)

	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	b := &broadcaster{id: id, feeds: feeds, socket: &lossySocket{PacketConn: socket}}
	b.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: b.socket, Logger: loggers.NewLogger("mux")})

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetICEUDPMux(b.mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)

	if engine == nil {
		engine = vp8Engine(t, true)
	}

	interceptors := &interceptor.Registry{}
	must(t, webrtc.RegisterDefaultInterceptors(engine, interceptors))

	b.PeerConnection, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(interceptors)).NewPeerConnection(webrtc.Configuration{})
	must(t, err)

	var sender *webrtc.RTPSender

	for _, f := range feeds {
		options := []func(*webrtc.TrackLocalStaticRTP){}
		if f.rid != "" {
			options = append(options, webrtc.WithRTPStreamID(f.rid))
		}

		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8},
			"camera", id, options...)
		must(t, err)

		f.track = &feedTrack{TrackLocalStaticRTP: track}

		if sender != nil {
			must(t, sender.AddEncoding(f.track))

			continue
		}

		transceiver, err := b.AddTransceiverFromTrack(f.track,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		must(t, err)

		sender = transceiver.Sender()
	}

	b.run(t, sender)

	return b
}

// run sends and listens until stop.
func (b *broadcaster) run(t *testing.T, sender *webrtc.RTPSender) {
	t.Helper()

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))

	var running sync.WaitGroup

	for _, f := range b.feeds {
		running.Go(func() { f.hear(sender) })
	}

	running.Go(func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()

		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}

			if b.ConnectionState() != webrtc.PeerConnectionStateConnected {
				continue
			}

			for _, f := range b.feeds {
				if f.rid != "" && f.extensions == nil {
					f.extensions = b.name(sender, f)
				}

				f.next()
			}
		}
	})

	b.stop = sync.OnceFunc(func() {
		cancel()

		_ = sender.Stop() // ends hear, also of one that never connected

		running.Wait()
	})
	t.Cleanup(func() { b.leave(t) })
}

// name returns the header extensions that say which layer packets are of.
func (b *broadcaster) name(sender *webrtc.RTPSender, f *feed) map[uint8]string {
	names := map[uint8]string{}

	for _, extension := range sender.GetParameters().HeaderExtensions {
		switch extension.URI {
		case sdp.SDESMidURI:
			names[uint8(extension.ID)] = b.GetTransceivers()[0].Mid()
		case sdp.SDESRTPStreamIDURI:
			names[uint8(extension.ID)] = f.rid
		}
	}

	return names
}

// leave says goodbye, once.
func (b *broadcaster) leave(t *testing.T) {
	t.Helper()

	b.stop()

	if err := errors.Join(b.GracefulClose(), b.mux.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("%s leaves: %v", b.id, err)
	}
}

// broadcast publishes what the feeds show and returns once it is connected.
func (p *pod) broadcast(id string, feeds ...*feed) *broadcaster {
	p.t.Helper()

	return p.broadcastWith(id, nil, feeds...)
}

func (p *pod) broadcastWith(id string, engine *webrtc.MediaEngine, feeds ...*feed) *broadcaster {
	p.t.Helper()

	b := newBroadcaster(p.t, id, engine, feeds...)

	posted := p.post(id, gather(p.t, b.PeerConnection, nil))
	if posted.status != http.StatusCreated {
		p.t.Fatalf("POST = %d %s", posted.status, posted.body)
	}

	b.location, b.etag, b.answer = posted.header.Get("Location"), posted.header.Get("ETag"), posted.body

	must(p.t, b.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: posted.body}))
	p.eventually(id+" connects", 20*time.Second, func() bool {
		return b.ConnectionState() == webrtc.PeerConnectionStateConnected && p.stream(id) != nil
	})

	return b
}

// plain is a publisher of one layer.
func (p *pod) plain(id string) *broadcaster {
	p.t.Helper()

	return p.broadcast(id, newFeed(p.t, "", id[0], 640, 360))
}
