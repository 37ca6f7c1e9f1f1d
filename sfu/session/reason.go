package session

import "github.com/invigil/invigil/sfu/conn"

// Reason is why a session ended. Each session ends with exactly one.
type Reason string

// The reasons.
const (
	// Deleted: by WHIP DELETE.
	Deleted Reason = "Deleted"
	// TakenOver: the same student published again.
	TakenOver Reason = "TakenOver"
	// IceFailed: nothing was heard of a connected publisher for too long.
	IceFailed = Reason(conn.IceFailed)
	// ConnectTimeout: the publisher never connected.
	ConnectTimeout = Reason(conn.ConnectTimeout)
	// DtlsClosed: the publisher closed its connection, or DTLS failed.
	DtlsClosed = Reason(conn.DtlsClosed)
	// Drained: the pod drains, and the publisher had not left by the deadline.
	Drained Reason = "Drained"
	// Shutdown: the pod ends.
	Shutdown Reason = "Shutdown"
)

// reasons lists them all, so that each has its metric from the start.
func reasons() []Reason {
	return []Reason{Deleted, TakenOver, IceFailed, ConnectTimeout, DtlsClosed, Drained, Shutdown}
}

// State is where a session's life is.
type State int

// The states, in the order in which they come.
const (
	// Connecting: the offer is being answered, or is answered and no media can
	// arrive yet.
	Connecting State = iota
	// Connected: the publisher's media can arrive.
	Connected
	// Closed: it has ended, and what it owned is being released. The session
	// leaves the table when that is done.
	Closed
)
