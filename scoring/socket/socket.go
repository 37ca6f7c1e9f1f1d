// Package socket is the server's half of a WebSocket (RFC 6455) for pages that
// come by the thousand and say little: nothing is kept for one between two
// messages but its descriptor, and one goroutine reads for all. Frames are
// github.com/gobwas/ws's; what is here is when they are read and written.
//
// Whoever reads a message writes what answers it. Everybody else only queues, and a
// writer that lives as long as there is something to write takes it from there. So
// nobody waits for a client that does not read.
package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

// queueLength is how many messages may wait for a socket. A page gets one or two
// per report; this many are minutes of not reading.
const queueLength = 128

// Handler is who a socket's messages are for. One of its methods runs at a time.
type Handler interface {
	// Quick takes a message without waiting for anything, or returns false, and then
	// Take gets it.
	Quick(message Message) bool
	// Take takes a message, and may wait.
	Take(message Message)
	// Ended is called last, once, with why the socket has ended: *ClosedError if its
	// client has said so. It must call End.
	Ended(why error)
}

// Socket is one connection. Serve, Answer and End are for whoever it was opened for
// and for its handler; the others may be called by anybody, and none of them waits
// for the client.
type Socket struct {
	group *Group
	fd    int
	// leave is called once fd is closed.
	leave   func()
	handler Handler

	// Only the reader's.
	in   incoming
	ping []byte // what the next pong says; nil: none is owed
	// drained is whether the kernel has no more for now, reads how often it may be
	// asked yet by the goroutine that reads for all.
	drained bool
	reads   int

	// heard is whether a frame came since the group last looked, quiet how many
	// times it looked without one.
	heard atomic.Bool
	quiet int

	mu sync.Mutex
	// busy is whether somebody reads, again whether something has come since, hung
	// whether what comes is the last.
	busy, again, hung bool
	// lost is why nothing more is read; nil: it is.
	lost  error
	queue [][]byte // frames
	// owed is the last number that Owe was told and that is not queued; 0: none is.
	// owes counts them, since is when the first of them came.
	owed  int64
	owes  int
	since time.Time
	// writing is whether somebody takes care of the queue. It stays so after a
	// write has failed.
	writing bool
	// closed: the close frame is queued or the connection lost, and nothing is
	// queued any more.
	closed  bool
	closing *time.Timer
	writers sync.WaitGroup
}
