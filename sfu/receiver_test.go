package sfu_test

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// received is a packet of a slot.
type received struct {
	rtp.Packet

	at time.Time
	// repeated by RTX: the retransmission's own sequence number.
	repeated    bool
	rtxSequence uint16
}

// receiver is a PeerConnection that takes VP8 in its slots, asks for nothing by
// itself, and keeps what comes.
type receiver struct {
	*webrtc.PeerConnection

	mux   *ice.UDPMuxDefault
	slots map[*webrtc.RTPReceiver]int

	mu      sync.Mutex
	packets map[int][]received
	closed  bool
	readers sync.WaitGroup
}

func newReceiver(t *testing.T, slots int, rtx bool) *receiver {
	t.Helper()

	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	must(t, socket.SetReadBuffer(1<<20)) // for the bursts of cached pictures

	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	r := &receiver{
		mux:     ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: loggers.NewLogger("mux")}),
		slots:   map[*webrtc.RTPReceiver]int{},
		packets: map[int][]received{},
	}

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetICEUDPMux(r.mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// What is sent again without RTX would be taken for a replay.
	settings.DisableSRTPReplayProtection(true)

	r.PeerConnection, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(vp8Engine(t, rtx)),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})).NewPeerConnection(webrtc.Configuration{})
	must(t, err)

	for slot := range slots {
		transceiver, err := r.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		must(t, err)

		r.slots[transceiver.Receiver()] = slot
	}

	r.OnTrack(r.receive)
	t.Cleanup(func() { r.leave(t) })

	return r
}

// vp8Engine knows VP8, with or without retransmissions.
func vp8Engine(t *testing.T, rtx bool) *webrtc.MediaEngine {
	t.Helper()

	engine := &webrtc.MediaEngine{}
	must(t, engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
		},
		PayloadType: 96,
	}, webrtc.RTPCodecTypeVideo))

	if rtx {
		must(t, engine.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"},
			PayloadType:        97,
		}, webrtc.RTPCodecTypeVideo))
	}

	return engine
}

func (r *receiver) receive(track *webrtc.TrackRemote, from *webrtc.RTPReceiver) {
	slot := r.slots[from]

	r.mu.Lock()
	defer r.mu.Unlock()

	if r.closed {
		return
	}

	r.readers.Go(func() {
		for {
			packet, attributes, err := track.ReadRTP()
			if err != nil {
				return
			}

			got := received{Packet: *packet, at: time.Now()}
			got.rtxSequence, got.repeated = attributes.Get(webrtc.AttributeRtxSequenceNumber).(uint16)

			r.mu.Lock()
			r.packets[slot] = append(r.packets[slot], got)
			r.mu.Unlock()
		}
	})
}

// got returns what has come in a slot so far.
func (r *receiver) got(slot int) []received {
	r.mu.Lock()
	defer r.mu.Unlock()

	return slices.Clone(r.packets[slot])
}

// complete returns what has come in a slot so far, in order, after it has asked
// for what was lost as every receiver does: a busy machine loses some.
func (r *receiver) complete(t *testing.T, slot int) []received {
	t.Helper()

	deadline := time.Now().Add(10 * time.Second)
	got := inOrder(t, r.got(slot))
	last := got[len(got)-1].SequenceNumber

	for {
		var lost []uint16

		got = slices.CompactFunc(inOrder(t, r.got(slot)), func(a, b received) bool {
			return a.SequenceNumber == b.SequenceNumber
		})
		for i, packet := range got[1:] {
			for n := got[i].SequenceNumber + 1; n != packet.SequenceNumber; n++ {
				lost = append(lost, n)
			}
		}

		i := slices.IndexFunc(got, func(p received) bool { return p.SequenceNumber == last })

		switch {
		case len(lost) == 0:
			return got[:i+1]
		case len(lost) > len(got)/10 || time.Now().After(deadline):
			t.Fatalf("of %d packets are missing %d", len(got), lost)
		}

		t.Logf("lost %d", lost)
		r.feedback(t, &rtcp.TransportLayerNack{MediaSSRC: got[0].SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)})
		<-time.After(50 * time.Millisecond)
	}
}

// feedback sends RTCP about a slot.
func (r *receiver) feedback(t *testing.T, packets ...rtcp.Packet) {
	t.Helper()
	must(t, r.WriteRTCP(packets))
}

func (r *receiver) offer(t *testing.T) string {
	t.Helper()

	return gather(t, r.PeerConnection, nil)
}

func (r *receiver) answered(t *testing.T, sdp string) {
	t.Helper()
	must(t, r.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}))
}

func (r *receiver) leave(t *testing.T) {
	t.Helper()

	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()

	if err := errors.Join(r.GracefulClose(), r.mux.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("a receiver leaves: %v", err)
	}

	r.readers.Wait()
}
