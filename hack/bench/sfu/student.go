package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// perTick packets of one student at most leave in a millisecond: key frames
	// are paced, as browsers do.
	perTick = 3
	// keyFrameHold is between key frames that are asked for, as in browsers.
	keyFrameHold = 500 * time.Millisecond
)

// student publishes with pion from a socket of its own.
type student struct {
	id        string
	index     int
	peer      *webrtc.PeerConnection
	track     *webrtc.TrackLocalStaticRTP
	connected chan struct{}
	// connectedAt is set before connected is closed.
	connectedAt time.Time
	failed      chan struct{}
	wantsKey    atomic.Bool
	sent        atomic.Uint64

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
	clipPacket

	header  rtp.Header
	picture uint16
}

func studentID(index int) string { return fmt.Sprintf("student-%03d", index) }

func newStudent(c *connector, index int) (*student, error) {
	peer, err := c.publishing.NewPeerConnection(c.configuration)
	if err != nil {
		return nil, fmt.Errorf("new peer connection: %w", err)
	}

	id := studentID(index)

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
		index:     index,
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
	s.watch()

	go s.readRTCP(transceiver.Sender())

	return s, nil
}

func (s *student) watch() {
	connected, failed := sync.OnceFunc(func() {
		s.connectedAt = time.Now()
		close(s.connected)
	}), sync.OnceFunc(func() { close(s.failed) })

	s.peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connected()
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			failed()
		default:
		}
	})
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

// join publishes, and returns once the student is connected.
func (s *student) join(ctx context.Context, to server) error {
	if err := to.publish(ctx, s.id, s.peer); err != nil {
		return err
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

// send queues the frame that is due, and sends what may leave now.
func (s *student) send(now time.Time, frames clip) {
	if now.Sub(s.due) > time.Second {
		// The first frame, or the first for a long time: students do not send in
		// step with each other.
		s.due = now.Add(rand.N(time.Second / framesPerSecond))
	}

	if !now.Before(s.due) {
		s.due = s.due.Add(time.Second / framesPerSecond)
		s.enqueue(now, frames)
	}

	for range min(perTick, len(s.queue)) {
		packet := s.queue[0]
		s.queue = s.queue[1:]

		// The clip is everybody's, and only the pacer touches it.
		binary.BigEndian.PutUint16(packet.payload[2:], 0x8000|packet.picture)

		if packet.stamped {
			putStamp(packet.payload, s.index, time.Now())
		}

		if s.track.WriteRTP(&rtp.Packet{Header: packet.header, Payload: packet.payload}) == nil {
			s.sent.Add(1)
		}
	}
}

func (s *student) enqueue(now time.Time, frames clip) {
	if s.wantsKey.Load() && now.Sub(s.lastKey) > keyFrameHold {
		s.frame = 0
	}

	if s.frame == 0 {
		s.lastKey = now
		s.wantsKey.Store(false)
	}

	frame := frames[s.frame]
	for i, packet := range frame {
		header := s.header
		header.Marker = i == len(frame)-1
		s.queue = append(s.queue, queued{packet, header, s.picture})
		s.header.SequenceNumber++
	}

	s.frame = (s.frame + 1) % clipFrames
	s.header.Timestamp += 90000 / framesPerSecond
	s.picture = (s.picture + 1) & 0x7fff
}
