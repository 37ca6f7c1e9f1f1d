package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	_ "embed" // the picture
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// The picture of every student: 90 frames in 3 s, one key frame of 10 packets,
// 36 frames of 2 and 53 of 1. That is 45 packets/s and 360 kbit/s.
const (
	framesPerSecond = 30
	clipFrames      = 90
	keyFramePackets = 10
	doubleFrames    = 36
	packetsPerS     = 45
	payloadSize     = 1000
	descriptorSize  = 4
	pictureSize     = payloadSize - descriptorSize
	// perTick packets of one student at most leave in a millisecond: key frames
	// are paced, as browsers do.
	perTick = 3
	tick    = time.Millisecond
	// keyFrameHold: a key frame that left so recently answers a request as well.
	keyFrameHold = 500 * time.Millisecond
	// joinTimeout is for all students together.
	joinTimeout = 40 * time.Second
)

// generator is a class of students in this process.
type generator struct {
	students []*student
	// sending is whether students that are connected send.
	sending atomic.Bool
	sent    atomic.Uint64
	// clip is RTP payloads by frame.
	clip [][][]byte
}

// student publishes with pion from a socket of its own.
type student struct {
	id        string
	peer      *webrtc.PeerConnection
	track     *webrtc.TrackLocalStaticRTP
	connected chan struct{}
	// connectedAt is set before connected is closed.
	connectedAt time.Time
	failed      chan struct{}
	wantsKey    atomic.Bool

	// The rest is the pacer's.
	due     time.Time
	frame   int
	lastKey time.Time
	header  rtp.Header
	picture uint16
	queue   []queued
}

// queued is a packet to be sent.
type queued struct {
	header  rtp.Header
	picture uint16
	payload []byte
}

// newGenerator makes n students, not yet connected: keys and sockets are not
// part of the joins.
func newGenerator(n int) (*generator, error) {
	api, err := newAPI()
	if err != nil {
		return nil, err
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}

	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate certificate: %w", err)
	}

	clip, err := newClip()
	if err != nil {
		return nil, err
	}

	g := &generator{clip: clip}

	for i := range n {
		s, err := newStudent(api, *certificate, fmt.Sprintf("student-%03d", i))
		if err != nil {
			return nil, errors.Join(err, g.close())
		}

		g.students = append(g.students, s)
	}

	return g, nil
}

// newAPI sets up pion as a browser is: AES-128-GCM, transport-wide congestion
// control, NACKs answered, sender reports; on 127.0.0.1 only.
func newAPI() (*webrtc.API, error) {
	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.Equal(net.IPv4(127, 0, 0, 1)) })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)

	media := &webrtc.MediaEngine{}
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:  webrtc.MimeTypeVP8,
			ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: webrtc.TypeRTCPFBGoogREMB},
				{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
				{Type: webrtc.TypeRTCPFBNACK},
				{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
			},
		},
		PayloadType: 96,
	}, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, fmt.Errorf("register VP8: %w", err)
	}

	interceptors := &interceptor.Registry{}
	if err := errors.Join(
		webrtc.ConfigureRTCPReports(interceptors),
		webrtc.ConfigureNack(media, interceptors),
		webrtc.ConfigureTWCCHeaderExtensionSender(media, interceptors),
		webrtc.ConfigureSimulcastExtensionHeaders(media), // mid is one of them
	); err != nil {
		return nil, fmt.Errorf("set up pion: %w", err)
	}

	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors),
	), nil
}

func newStudent(api *webrtc.API, certificate webrtc.Certificate, id string) (*student, error) {
	peer, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, fmt.Errorf("new peer connection: %w", err)
	}

	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "camera", id)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new track: %w", err), peer.Close())
	}

	transceiver, err := peer.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("add track: %w", err), peer.Close())
	}

	s := &student{
		id:        id,
		peer:      peer,
		track:     track,
		connected: make(chan struct{}),
		failed:    make(chan struct{}),
		frame:     rand.N(clipFrames),
		header: rtp.Header{
			Version:        2,
			SequenceNumber: uint16(rand.Uint32()),
			Timestamp:      rand.Uint32(),
		},
	}
	connected, failed := sync.OnceFunc(func() {
		s.connectedAt = time.Now()
		close(s.connected)
	}), sync.OnceFunc(func() { close(s.failed) })

	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connected()
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			failed()
		default:
		}
	})

	go s.readRTCP(transceiver.Sender())

	return s, nil
}

// readRTCP lets pion answer reports and NACKs, and looks for requests for a key
// frame. It ends with the peer connection.
func (s *student) readRTCP(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}

		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.wantsKey.Store(true)
			}
		}
	}
}

// join publishes all students at once and returns how long each took, from the
// common start until it was connected. While sending is on, each sends from
// then on.
func (g *generator) join(ctx context.Context, p *pod) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()

	var (
		all   sync.WaitGroup
		start = time.Now()
		joins = make([]time.Duration, len(g.students))
		errs  = make([]error, len(g.students))
	)

	for i, s := range g.students {
		all.Go(func() {
			if err := s.join(ctx, p); err != nil {
				errs[i] = fmt.Errorf("%s joins: %w", s.id, err)

				return
			}

			joins[i] = s.connectedAt.Sub(start)
		})
	}

	all.Wait()

	return joins, errors.Join(errs...)
}

func (s *student) join(ctx context.Context, p *pod) error {
	offer, err := s.peer.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("create offer: %w", err)
	}

	gathered := webrtc.GatheringCompletePromise(s.peer)

	if err := s.peer.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("set offer: %w", err)
	}

	select {
	case <-gathered:
	case <-ctx.Done():
		return context.Cause(ctx)
	}

	answer, err := p.publish(ctx, s.id, s.peer.LocalDescription().SDP)
	if err != nil {
		return err
	}

	if err := s.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set answer: %w", err)
	}

	select {
	case <-s.connected:
		return nil
	case <-s.failed:
		return errors.New("the connection failed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pace sends the pictures of all connected students until ctx ends.
func (g *generator) pace(ctx context.Context) {
	next := time.Now()

	for ctx.Err() == nil {
		next = next.Add(tick)
		if wait := time.Until(next); wait > 0 {
			time.Sleep(wait)
		} else if wait < -50*time.Millisecond {
			// Starved of CPU: what was missed is not made up for in a burst.
			next = time.Now()
		}

		if !g.sending.Load() {
			continue
		}

		now := time.Now()

		for _, s := range g.students {
			select {
			case <-s.connected:
				g.sent.Add(s.send(now, g.clip))
			default:
			}
		}
	}
}

// send queues the frame that is due, sends what may leave now, and returns how
// many packets that was.
func (s *student) send(now time.Time, clip [][][]byte) (sent uint64) {
	if now.Sub(s.due) > time.Second {
		// The first frame, or the first for a long time: students do not send in
		// step with each other.
		s.due = now.Add(rand.N(time.Second / framesPerSecond))
	}

	if !now.Before(s.due) {
		s.due = s.due.Add(time.Second / framesPerSecond)
		s.enqueue(now, clip)
	}

	for range min(perTick, len(s.queue)) {
		packet := s.queue[0]
		s.queue = s.queue[1:]

		// The clip is everybody's, and only the pacer touches it.
		binary.BigEndian.PutUint16(packet.payload[2:], 0x8000|packet.picture)

		if s.track.WriteRTP(&rtp.Packet{Header: packet.header, Payload: packet.payload}) == nil {
			sent++
		}
	}

	return sent
}

func (s *student) enqueue(now time.Time, clip [][][]byte) {
	if s.wantsKey.Swap(false) && now.Sub(s.lastKey) > keyFrameHold {
		s.frame = 0
	}

	if s.frame == 0 {
		s.lastKey = now
	}

	frame := clip[s.frame]
	for i, payload := range frame {
		header := s.header
		header.Marker = i == len(frame)-1
		s.queue = append(s.queue, queued{header, s.picture, payload})
		s.header.SequenceNumber++
	}

	s.frame = (s.frame + 1) % clipFrames
	s.header.Timestamp += 90000 / framesPerSecond
	s.picture = (s.picture + 1) & 0x7fff
}

// keyFrameIVF is a real picture, since an SFU may want to look at it: the first
// of the lab's clip, encoded so that it fits into a key frame's packets.
//
//	ffmpeg -i hack/lab/client/clip.ivf -frames:v 1 -c:v libvpx -deadline good \
//	    -qmin 14 -qmax 14 -b:v 5M -threads 1 -fflags +bitexact -flags:v +bitexact keyframe.ivf
//
//go:embed keyframe.ivf
var keyFrameIVF []byte

// newClip returns RTP payloads by frame: the key frame, and noise with the header
// of a frame (RFC 6386) in place of the others, which nothing here decodes. All
// have valid VP8 descriptors (RFC 7741).
func newClip() ([][][]byte, error) {
	reader, _, err := ivfreader.NewWith(bytes.NewReader(keyFrameIVF))
	if err != nil {
		return nil, fmt.Errorf("key frame: %w", err)
	}

	keyFrame, _, err := reader.ParseNextFrame()
	if err != nil {
		return nil, fmt.Errorf("key frame: %w", err)
	}

	if len(keyFrame) > keyFramePackets*pictureSize {
		return nil, fmt.Errorf("the key frame's %d bytes are too many", len(keyFrame))
	}

	// Zeros after a frame's end are no part of it.
	clip := [][][]byte{packets(keyFrame, keyFramePackets)}

	for i := 1; i < clipFrames; i++ {
		n := 1
		if i*doubleFrames/(clipFrames-1) > (i-1)*doubleFrames/(clipFrames-1) {
			n = 2
		}

		noise := make([]byte, n*pictureSize)
		for at := range noise {
			noise[at] = byte(rand.Uint32())
		}
		// No key frame, shown, and half of it is the first partition.
		tag := 1 | 1<<4 | len(noise)/2<<5
		noise[0], noise[1], noise[2] = byte(tag), byte(tag>>8), byte(tag>>16)

		clip = append(clip, packets(noise, n))
	}

	return clip, nil
}

// packets cuts a frame into n payloads, each behind a descriptor with a picture
// id of 15 bits, which the pacer writes. What the frame leaves is zero.
func packets(frame []byte, n int) [][]byte {
	payloads := make([][]byte, n)
	for i := range payloads {
		payload := make([]byte, payloadSize)
		// Extended, with a picture id.
		payload[0], payload[1] = 0x80, 0x80

		if i == 0 {
			payload[0] |= 0x10 // a frame starts here
		}

		frame = frame[copy(payload[descriptorSize:], frame):]
		payloads[i] = payload
	}

	return payloads
}

// close ends all peer connections.
func (g *generator) close() error {
	var all sync.WaitGroup

	errs := make([]error, len(g.students))
	for i, s := range g.students {
		all.Go(func() { errs[i] = s.peer.Close() })
	}

	all.Wait()

	return errors.Join(errs...)
}
