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
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// student publishes with pion.
type student struct {
	*webrtc.PeerConnection

	id       string
	location string
	track    *webrtc.TrackLocalStaticSample
	mux      *ice.UDPMuxDefault
	// silent stops the media, and nothing else.
	silent atomic.Bool
	// camera is what the student shows; nil: frames that nobody can decode.
	camera atomic.Pointer[camera]
	stop   func()
}

// newStudent returns a student with a socket of its own on ip, not connected.
func newStudent(t *testing.T, id, ip string) *student {
	t.Helper()

	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
	must(t, err)

	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	s := &student{id: id, mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: loggers.NewLogger("mux")})}

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetICEUDPMux(s.mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)

	s.PeerConnection, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(t, err)

	s.track, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", id)
	must(t, err)

	transceiver, err := s.AddTransceiverFromTrack(s.track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(t, err)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))

	var playing sync.WaitGroup

	playing.Go(func() { s.play(ctx) })
	playing.Go(func() { s.hear(transceiver.Sender()) })

	s.stop = sync.OnceFunc(func() {
		cancel()
		// Ends hear, also of a student that never connected.
		if err := transceiver.Sender().Stop(); err != nil {
			t.Logf("%s stops sending: %v", id, err)
		}

		playing.Wait()
	})
	t.Cleanup(func() { s.leave(t) })

	return s
}

// play sends what looks like small VP8 key frames to those who do not decode.
func (s *student) play(ctx context.Context) {
	frame := make([]byte, 500)
	ticker := time.NewTicker(50 * time.Millisecond)

	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if !s.silent.Load() {
				next := frame
				if camera := s.camera.Load(); camera != nil {
					next = camera.next()
				}
				// Before the connection is up, and after, frames go nowhere.
				_ = s.track.WriteSample(media.Sample{Data: next, Duration: 50 * time.Millisecond})
			}
		}
	}
}

// offer returns the student's offer.
func (s *student) offer(t *testing.T) string {
	t.Helper()

	return gather(t, s.PeerConnection, nil)
}

// gather makes an offer with all candidates and sets it.
func gather(t *testing.T, peer *webrtc.PeerConnection, options *webrtc.OfferOptions) string {
	t.Helper()

	offer, err := peer.CreateOffer(options)
	must(t, err)

	gathered := webrtc.GatheringCompletePromise(peer)
	must(t, peer.SetLocalDescription(offer))
	<-gathered

	return peer.LocalDescription().SDP
}

// leave says goodbye, once, and releases everything.
func (s *student) leave(t *testing.T) {
	t.Helper()

	s.stop()

	if err := errors.Join(s.GracefulClose(), s.mux.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("%s leaves: %v", s.id, err)
	}
}

// vanish ends the student as a killed browser ends: without a word.
func (s *student) vanish(t *testing.T) {
	t.Helper()

	if err := s.mux.Close(); err != nil {
		t.Error(err)
	}

	s.leave(t)
}

// publish starts a student and returns once it is connected.
func (p *pod) publish(id string) *student {
	p.t.Helper()

	return p.publishFrom(id, "127.0.0.1")
}

func (p *pod) publishFrom(id, ip string) *student {
	p.t.Helper()

	s := newStudent(p.t, id, ip)

	posted := p.post(id, s.offer(p.t))
	if posted.status != http.StatusCreated {
		p.t.Fatalf("POST = %d %s", posted.status, posted.body)
	}

	s.location = posted.header.Get("Location")

	must(p.t, s.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: posted.body}))
	p.eventually(id+" connects", 20*time.Second, func() bool {
		// The student knows first.
		return s.ConnectionState() == webrtc.PeerConnectionStateConnected && p.stream(id) != nil
	})

	return s
}

// post publishes an offer as the student.
func (p *pod) post(id, offer string) answer {
	p.t.Helper()

	return p.do(http.MethodPost, "/whip", p.grant(id), offer, "Content-Type", "application/sdp")
}

// offer is a good offer of a publisher that never connects.
func (p *pod) offer() string {
	p.t.Helper()

	s := newStudent(p.t, "nobody", "127.0.0.1")
	defer s.leave(p.t)

	return s.offer(p.t)
}

// receiving tells whether the student's media arrives.
func (p *pod) receiving(student string) bool {
	s := p.stream(student)

	return s != nil && s.Receiving
}
