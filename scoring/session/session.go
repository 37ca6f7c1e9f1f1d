// Package session tracks what every student's session is doing. The Tracker is
// the one owner of the sessions: sockets, reports, the SFU's view and the
// schedule reach a session through it and in no other way, and every change
// gets a number, so that readers can ask for what is new.
package session

import "github.com/invigil/invigil/internal/wire"

// The session states.
const (
	// Enrolled: on the roster, never joined.
	Enrolled = "Enrolled"
	// Joined: opened the link; no camera received yet.
	Joined = "Joined"
	// Live: the page is connected and the SFU receives the camera.
	Live = "Live"
	// Interrupted: was live, and the page or the camera is gone now.
	Interrupted = "Interrupted"
	// Paused: an invigilator has stopped the student's clock and scoring.
	Paused = "Paused"
	// Finished: the student's time is over.
	Finished = "Finished"
	// Terminated: an invigilator has ended the student's exam.
	Terminated = "Terminated"
)

// states are all of them.
var states = [...]string{ //nolint:gochecknoglobals // constant
	Enrolled, Joined, Live, Interrupted, Paused, Finished, Terminated,
}

// Conn is a session's event socket. No method blocks, and all may be called
// under the tracker's lock.
type Conn interface {
	// Send queues a message; a socket that cannot keep up closes itself.
	Send(message wire.ServerMessage)
	// Answer is Send for what answers a report, by the goroutine that the socket
	// reads with: it is written once that returns.
	Answer(message wire.ServerMessage)
	// Acknowledge answers all reports up to seq, as Answer does, or, if late, with
	// whatever is sent next, and before long even if nothing is.
	Acknowledge(seq int64, late bool)
	// Close ends the socket with a close code of package wire.
	Close(code int, reason string)
}

// Stream is the SFU's view of one student.
type Stream struct {
	Shard string
	// Media is the media session, which has its name from the shard.
	Media     string
	Receiving bool
	// Wanted is what viewers want of the student; "" if the shard does not say.
	Wanted wire.WantedMedia
	// Draining is whether the student must publish elsewhere.
	Draining bool
	// Dark and Still are what the pod saw in the picture: next to black, and the
	// same for long. Limited: the student sends more than the pod takes.
	Dark, Still, Limited bool
}

// Page is what a student's page last said of itself. It is a claim, kept for
// people to see; nothing is decided by it.
type Page struct {
	Publishing  bool
	Visible     bool
	Focused     bool
	CameraMuted bool
	Luminance   float64
}

// Merged returns the page state after delta. A field that is absent keeps what
// was said before; false is a value like any other.
func (p Page) Merged(delta wire.PageDelta) Page {
	keep(&p.Publishing, delta.Publishing)
	keep(&p.Visible, delta.Visible)
	keep(&p.Focused, delta.Focused)
	keep(&p.CameraMuted, delta.CameraMuted)
	keep(&p.Luminance, delta.Luminance)

	return p
}

func keep[T any](have, said *T) {
	if said != nil {
		*have = *said
	}
}
