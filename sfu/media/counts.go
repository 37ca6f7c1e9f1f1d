package media

import "sync/atomic"

// drop is why a packet went no further than its publisher.
type drop int

const (
	// dropRTP: malformed, of no stream that was negotiated, or padding.
	dropRTP drop = iota
	// dropRTCP: malformed.
	dropRTCP
	// dropBitrate: over the publisher's bound.
	dropBitrate
	// dropDuplicate: here before, or too late.
	dropDuplicate

	dropReasons
)

func (d drop) String() string {
	return [...]string{"rtp", "rtcp", "bitrate", "duplicate"}[d]
}

type counts struct {
	drops [dropReasons]atomic.Uint64
	// hits and misses of the rings, for packets that viewers asked for again.
	hits, misses atomic.Uint64
}

func (c *counts) drop(d drop) { c.drops[d].Add(1) }
