// Package conn is the vocabulary between those who own sessions and whatever
// moves their media: small enough that another transport can stand behind it.
package conn

import (
	"errors"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/negotiate"
)

// State is where a peer's connection is.
type State int32

// The states. A connection goes Connecting, then Connected and Silent in turns,
// and ends Ended; a bad start skips the middle.
const (
	// Connecting: no media can arrive yet.
	Connecting State = iota
	// Connected: ICE and DTLS are up.
	Connected
	// Silent: nothing has been heard of the peer for a while; it may come back.
	Silent
	// Ended: the peer closed DTLS, or DTLS failed.
	Ended
)

// Peer is what publishers' and viewers' connections have in common.
type Peer interface {
	// State is the state now.
	State() State
	// Changed receives after State has changed. Changes in quick succession are
	// told once, so the receiver asks State.
	Changed() <-chan struct{}
	// Restart gives the connection new ICE credentials of ours; the old ones hold
	// until the new ones are used.
	Restart() negotiate.ICE
	// Close returns once everything that the connection owned is released. The
	// peer is told, where it still can be.
	Close()
}

// Publisher is one publisher's connection.
type Publisher interface {
	Peer

	// Received counts the media packets and their bytes, headers included.
	Received() (packets, bytes uint64)
	// RequestKeyFrame asks the publisher for a key frame for KeyFrame, if media has
	// begun.
	RequestKeyFrame()
	// RefreshKeyFrame asks for one so that whoever begins to watch soon has a
	// picture at once.
	RefreshKeyFrame()
	// KeyFrame returns the last complete key frame, nil if there is none yet, and
	// a channel that is closed when there is another.
	KeyFrame() (frame *keyframe.Frame, next <-chan struct{})
	// Stats is how the media arrives.
	Stats() Stats
	// Wanted is what viewers want of the publisher.
	Wanted() wire.WantedMedia
	// Publish makes the media viewable under the student's name, until Unpublish,
	// which gives the reason to those who watch.
	Publish(student string)
	Unpublish(reason string)
}

// Stats is how a publisher's media arrives.
type Stats struct {
	// Limited: packets above the bitrate bound are being dropped.
	Limited bool
	// RTT is the round-trip time to the publisher, 0 while unknown.
	RTT time.Duration
	// Layers are its streams, in the offer's order.
	Layers []Layer
}

// Layer is one stream of a publisher.
type Layer struct {
	// RID names it among the publisher's layers; "" without simulcast.
	RID           string
	Width, Height int
	Packets       uint64
	Bytes         uint64
	Lost          uint32
	// FractionLost, 0 to 1, is that between the last two receiver reports.
	FractionLost float64
	Jitter       time.Duration
	// Active: packets have come within the last 2 s.
	Active bool
}

// ErrNotFound: there is no such session.
var ErrNotFound = errors.New("no such session")

// Engine makes publishers' connections.
type Engine interface {
	// Accept answers a publisher's offer, naming the candidates. An error leaves
	// nothing behind.
	Accept(offer *negotiate.Offer, candidates []negotiate.Candidate) (accepted Publisher, answer string, err error)
}
