// Package session tracks what every student's session is doing. The Tracker is
// the one owner of the sessions: sockets, reports, the SFU's view and the
// schedule reach a session through it and in no other way, and every change
// gets a number, so that readers can ask for what is new.
package session

import (
	"slices"
	"strings"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

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
	// Finished: the exam is over.
	Finished = "Finished"
)

// Conn is a session's event socket. Neither method blocks, and both may be
// called under the tracker's lock.
type Conn interface {
	// Send queues a message; a socket that cannot keep up closes itself.
	Send(message wire.ServerMessage)
	// Close ends the socket with a close code of package wire.
	Close(code int, reason string)
}

// Stream is the SFU's view of one student.
type Stream struct {
	Shard     string
	Receiving bool
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

// entry is one session. Only the tracker touches it.
type entry struct {
	student wire.Student
	record  store.Record
	conn    Conn
	stream  Stream
	page    Page
	// assigned is the shard that the student was sent to.
	assigned string
	lastSeen int64
	state    string

	score int
	level string

	// published is what readers were last told, change the number of that.
	published wire.Session
	change    uint64
}

// next is the state that the facts make. finished overrides all others.
func (e *entry) next(finished bool) string {
	switch {
	case finished:
		return Finished
	case e.record.Generation == 0:
		return Enrolled
	case e.conn != nil && e.stream.Receiving:
		return Live
	case e.record.Live:
		return Interrupted
	default:
		return Joined
	}
}

// view is what readers see of the session.
func (e *entry) view(policyVersion string) wire.Session {
	shard := e.assigned
	if e.stream.Receiving {
		shard = e.stream.Shard
	}

	return wire.Session{
		Student:       e.student.ID,
		State:         e.state,
		Streaming:     e.stream.Receiving,
		Score:         e.score,
		Level:         e.level,
		Violations:    violations(e.record.Tally),
		Shard:         shard,
		JoinedAt:      e.record.JoinedAt,
		LastSeenAt:    e.lastSeen,
		PolicyVersion: policyVersion,
	}
}

func violations(tally policy.Tally) []wire.ViolationCount {
	counts := make([]wire.ViolationCount, 0, len(tally))
	for violation, count := range tally {
		counts = append(counts, wire.ViolationCount{Type: violation, Count: count.N, LastAt: count.LastAt})
	}

	slices.SortFunc(counts, func(a, b wire.ViolationCount) int { return strings.Compare(a.Type, b.Type) })

	return counts
}

// lastSeenStep is how much LastSeenAt alone must move before readers are told:
// every page reports every 2.5 s, and the reader writes to etcd.
const lastSeenStep = 30_000

// differs is whether readers must be told.
func differs(published, now wire.Session) bool {
	seen := now.LastSeenAt - published.LastSeenAt
	if seen >= lastSeenStep {
		return true
	}

	return published.Student != now.Student || published.State != now.State ||
		published.Streaming != now.Streaming || published.Score != now.Score || published.Level != now.Level ||
		published.Shard != now.Shard || published.JoinedAt != now.JoinedAt ||
		published.PolicyVersion != now.PolicyVersion || !slices.Equal(published.Violations, now.Violations)
}
