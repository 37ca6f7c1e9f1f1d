package client

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/invigil/invigil/internal/wire"
)

// The RIDs of a peer with simulcast.
const (
	LowRID  = "l"
	HighRID = "h"
)

// Peer is a PeerConnection with a UDP socket of its own that sends one VP8
// video.
type Peer struct {
	*connection

	// rids of the layers that are sent; one empty one without simulcast.
	rids   []string
	tracks []*webrtc.TrackLocalStaticSample
	// keyFrames receives when the server asks for a key frame.
	keyFrames chan struct{}
	// wanted is a wire.WantedMedia, all of it until Want says otherwise.
	wanted atomic.Value
}

// PeerOption changes what a peer sends.
type PeerOption func(*Peer)

// Simulcast makes the peer send two layers, LowRID and HighRID. Both show the
// same picture: there is one clip.
func Simulcast() PeerOption {
	return func(p *Peer) { p.rids = []string{LowRID, HighRID} }
}

// NewPeer returns a peer with one VP8 video to send, not yet connected.
func NewPeer(options ...PeerOption) (*Peer, error) {
	base, err := newConnection()
	if err != nil {
		return nil, err
	}

	p := &Peer{connection: base, rids: []string{""}, keyFrames: make(chan struct{}, 1)}
	p.wanted.Store(wire.WantedHigh)

	for _, option := range options {
		option(p)
	}

	if err := p.addVideo(); err != nil {
		return nil, errors.Join(err, p.Close())
	}

	return p, nil
}

func (p *Peer) addVideo() error {
	var transceiver *webrtc.RTPTransceiver

	for _, rid := range p.rids {
		video := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}

		track, err := webrtc.NewTrackLocalStaticSample(video, "camera", "student", webrtc.WithRTPStreamID(rid))
		if err != nil {
			return fmt.Errorf("new track: %w", err)
		}

		named := &layer{TrackLocalStaticSample: track}

		if transceiver == nil {
			transceiver, err = p.AddTransceiverFromTrack(named, webrtc.RTPTransceiverInit{
				Direction: webrtc.RTPTransceiverDirectionSendonly,
			})
		} else {
			err = transceiver.Sender().AddEncoding(named)
		}

		if err != nil {
			return fmt.Errorf("add track: %w", err)
		}

		named.transceiver = transceiver
		p.tracks = append(p.tracks, track)
		p.read(func() { p.readRTCP(transceiver.Sender(), rid) })
	}

	return nil
}

// readRTCP lets pion see the server's reports, and looks for what asks for a key
// frame.
func (p *Peer) readRTCP(sender *webrtc.RTPSender, rid string) {
	for {
		var (
			packets []rtcp.Packet
			err     error
		)

		if rid == "" {
			packets, _, err = sender.ReadRTCP()
		} else {
			packets, _, err = sender.ReadSimulcastRTCP(rid)
		}

		if err != nil {
			return
		}

		for _, packet := range packets {
			if isKeyFrameRequest(packet) {
				p.needKeyFrame()
			}
		}
	}
}

func (p *Peer) needKeyFrame() {
	select {
	case p.keyFrames <- struct{}{}:
	default:
	}
}

// KeyFrameRequests receives when the server asks for a key frame.
func (p *Peer) KeyFrameRequests() <-chan struct{} { return p.keyFrames }

// Want changes what is sent, as the server's "media" messages ask. It begins
// with a key frame.
func (p *Peer) Want(media wire.WantedMedia) {
	if p.wanted.Swap(media) != media {
		p.needKeyFrame()
	}
}

// trickles tells whether one frame a second is all that is wanted.
func (p *Peer) trickles() bool { return p.wanted.Load() == wire.WantedTrickle }

// WriteSample sends a frame in the layers that are wanted.
func (p *Peer) WriteSample(frame media.Sample) error {
	tracks := p.tracks
	if p.wanted.Load() != wire.WantedHigh {
		tracks = tracks[:1]
	}

	for _, track := range tracks {
		if err := track.WriteSample(frame); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return fmt.Errorf("send frame: %w", err)
		}
	}

	return nil
}

// Vanish ends the peer as a killed browser does: without a word.
func (p *Peer) Vanish() error {
	return errors.Join(p.mux.Close(), p.Close())
}
