// Package socket is one UDP port that takes and gives datagrams in batches, and
// that can be told to wake rarely.
//
// An SFU's packets are cheap, waking a thread for them is not: it is most of what
// a server with time to spare pays (BenchmarkRead). So the reader takes all that
// has come with one system call, and while nobody watches it lets datagrams gather
// in the kernel before it looks again. The package knows nothing of what is in a
// datagram.
package socket

import (
	"net/netip"
	"sync/atomic"
)

const (
	// MaxDatagram is the largest datagram that is received, in bytes: nothing
	// larger passes an Ethernet link in one piece.
	MaxDatagram = 1500
	// BatchSize is how many datagrams one system call takes or gives at most.
	BatchSize = 64

	// slotSize is a buffer's capacity: a datagram, and room behind it for tags and
	// trailers of whoever works in place.
	slotSize = 1600
	// bufferSize is what the kernel is asked to hold in each direction, in bytes: a
	// second of 100 students at 1 Mbit/s.
	bufferSize = 12 << 20
)

// Datagram is one received datagram.
type Datagram struct {
	// From is who sent it; IPv4 addresses are never in their mapped form. The zone
	// of a link-local address is the number of the interface.
	From netip.AddrPort
	// Data is valid until the next Read. It may be written to, and has at least
	// 100 bytes of room behind MaxDatagram.
	Data []byte
}

// Stats are a socket's counts since it was opened.
type Stats struct {
	// Received are the datagrams that Read returned, Sent those that the kernel
	// took.
	Received, Sent uint64
	// Dropped were not sent because the kernel had no room, Failed because of their
	// destination (no route, no such family) or size.
	Dropped, Failed uint64
	// Truncated were larger than MaxDatagram, and not returned.
	Truncated uint64
	// Batches are the system calls that received something. Wakeups is how often
	// the reader slept and was woken, by a datagram or to look for some.
	Batches, Wakeups uint64
}

type counters struct {
	received, sent, dropped, failed, truncated, batches, wakeups atomic.Uint64
}

// Stats returns the counts; from any goroutine.
func (s *Socket) Stats() Stats {
	return Stats{
		Received:  s.counts.received.Load(),
		Sent:      s.counts.sent.Load(),
		Dropped:   s.counts.dropped.Load(),
		Failed:    s.counts.failed.Load(),
		Truncated: s.counts.truncated.Load(),
		Batches:   s.counts.batches.Load(),
		Wakeups:   s.counts.wakeups.Load(),
	}
}
