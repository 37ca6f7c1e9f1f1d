package sfu_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// endpoint is a pion client that reaches a pod in whatever way its settings leave.
type endpoint struct {
	*webrtc.PeerConnection

	running sync.WaitGroup
	ending  chan struct{}
	packets atomic.Int64 // received
}

func newEndpoint(t *testing.T, config webrtc.Configuration, networks ...webrtc.NetworkType) *endpoint {
	t.Helper()

	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes(networks)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)

	connection, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(vp8Engine(t, false))).
		NewPeerConnection(config)
	must(t, err)

	e := &endpoint{PeerConnection: connection, ending: make(chan struct{})}
	t.Cleanup(func() {
		close(e.ending)

		if err := e.GracefulClose(); err != nil {
			t.Logf("an endpoint closes: %v", err)
		}

		e.running.Wait()
	})

	return e
}

// show makes it a publisher.
func (e *endpoint) show(t *testing.T, camera *camera) {
	t.Helper()

	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", "camera")
	must(t, err)

	transceiver, err := e.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(t, err)

	e.running.Go(func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()

		for {
			select {
			case <-e.ending:
				return
			case <-ticker.C:
				// Before the connection is up, and after, frames go nowhere.
				_ = track.WriteSample(media.Sample{Data: camera.next(), Duration: 50 * time.Millisecond})
			}
		}
	})
	e.running.Go(func() {
		for {
			packets, _, err := transceiver.Sender().ReadRTCP()
			if err != nil {
				return
			}

			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					camera.wanted.Store(true)
				}
			}
		}
	})
}

// watch makes it a viewer of one stream.
func (e *endpoint) watch(t *testing.T) {
	t.Helper()

	_, err := e.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	must(t, err)

	e.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}

			e.packets.Add(1)
		}
	})
}

// pair is how the endpoint reaches the pod.
func (e *endpoint) pair(t *testing.T) *webrtc.ICECandidatePair {
	t.Helper()

	var transport *webrtc.DTLSTransport
	if transceiver := e.GetTransceivers()[0]; transceiver.Sender() != nil {
		transport = transceiver.Sender().Transport()
	} else {
		transport = transceiver.Receiver().Transport()
	}

	pair, err := transport.ICETransport().GetSelectedCandidatePair()
	must(t, err)

	if pair == nil {
		t.Fatal("no candidate pair is in use")
	}

	return pair
}

// join posts the endpoint's offer, as somebody's who publishes or, with a student,
// views.
func (p *pod) join(e *endpoint, id, student string) {
	p.t.Helper()

	path, grant := "/whip", p.grant(id)
	if student != "" {
		path, grant = "/whep/"+student, p.viewGrant(id)
	}

	got := p.do(http.MethodPost, path, grant, gather(p.t, e.PeerConnection, nil), "Content-Type", "application/sdp")
	if got.status != http.StatusCreated {
		p.t.Fatalf("POST %s = %d %s", path, got.status, got.body)
	}

	must(p.t, e.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: got.body}))
}
