// Package conn is the vocabulary between those who move media and those who own
// sessions: small enough that another transport can stand behind it.
package conn

import (
	"context"
	"errors"

	"github.com/invigil/invigil/sfu/keyframe"
)

// State is where a publisher's connection is.
type State int

// The states. A connection goes Connecting, then Connected and Silent in turns,
// and ends Failed or Ended; a bad start skips the middle.
const (
	// Connecting: no media can arrive yet.
	Connecting State = iota
	// Connected: ICE and DTLS are up.
	Connected
	// Silent: nothing has been heard of the peer for a while; it may come back.
	Silent
	// Failed: ICE gave up.
	Failed
	// Ended: the peer closed DTLS, or DTLS failed.
	Ended
)

// Conn is one publisher's connection.
type Conn interface {
	// State is the state now.
	State() State
	// Changed receives after State has changed. Changes in quick succession are
	// told once, so the receiver asks State.
	Changed() <-chan struct{}
	// Received counts the media packets and their bytes, headers included.
	Received() (packets, bytes uint64)
	// RequestKeyFrame asks the publisher for a key frame, if media has begun.
	RequestKeyFrame()
	// KeyFrame returns the last complete key frame, nil if there is none yet, and
	// a channel that is closed when there is another.
	KeyFrame() (frame *keyframe.Frame, next <-chan struct{})
	// Close returns once everything that the connection owned is released. The
	// peer is told, where it still can be.
	Close() error
}

// ErrOffer says that the engine cannot answer the offer.
var ErrOffer = errors.New("the offer cannot be answered")

// Engine makes connections.
type Engine interface {
	// Accept answers an offer that offer.Parse let through. Errors: ErrOffer, the
	// context's, or one of this side; they leave nothing behind.
	Accept(ctx context.Context, offer string) (accepted Conn, answer string, err error)
}
