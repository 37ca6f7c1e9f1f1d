package transport

import "sync/atomic"

// Drop is why a packet went no further.
type Drop int

// The reasons.
const (
	// DropUnknown: from an address that no peer has proved to be its own.
	DropUnknown Drop = iota
	// DropMalformed: of no protocol that belongs here.
	DropMalformed
	// DropStun: a connectivity check without the right credentials.
	DropStun
	// DropSrtp: not authentic, replayed, or of more streams than a peer may have.
	DropSrtp
	// DropEarly: media before the handshake's end.
	DropEarly
	// DropOversized: larger than any packet that fits through the internet.
	DropOversized
	// DropBacklog: DTLS, more than is being read.
	DropBacklog
	// DropSend: the socket's buffer was full.
	DropSend

	dropReasons
)

// String is the reason as metrics name it.
func (d Drop) String() string {
	return [...]string{"unknown", "malformed", "stun", "srtp", "early", "oversized", "backlog", "send"}[d]
}

type dropCounters [dropReasons]atomic.Uint64

func (c *dropCounters) count(d Drop) { c[d].Add(1) }

// Stats counts since the engine began.
type Stats struct {
	// PacketsIn, PacketsOut: datagrams of all protocols over UDP.
	PacketsIn, PacketsOut uint64
	// Wakes is how often the reader woke up for them.
	Wakes uint64
	Drops [dropReasons]uint64
}

// Stats returns the engine's counts.
func (e *Engine) Stats() Stats {
	port := e.socket.Stats()
	stats := Stats{PacketsIn: port.Received, PacketsOut: port.Sent, Wakes: port.Wakeups}

	for d := range e.drops {
		stats.Drops[d] = e.drops[d].Load()
	}

	stats.Drops[DropOversized] = port.Truncated
	stats.Drops[DropSend] += port.Dropped + port.Failed

	return stats
}
