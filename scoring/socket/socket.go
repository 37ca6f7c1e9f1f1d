// Package socket is the server's half of a WebSocket (RFC 6455) for pages that
// come by the thousand and say little: each has one goroutine, and nothing else
// is kept for it between two messages. Frames are github.com/gobwas/ws's; what is
// here is when they are read and written.
//
// The goroutine that reads a message writes what answers it. Everybody else only
// queues, and a writer that lives as long as there is something to write takes it
// from there. So nobody waits for a client that does not read.
package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// queueLength is how many messages may wait for a socket. A page gets one or two
// per report; this many are minutes of not reading.
const queueLength = 128

// Socket is one connection. Receive and End are for one goroutine; the others may
// be called by any, and none of them waits for the client.
type Socket struct {
	group      *Group
	connection net.Conn
	raw        syscall.RawConn

	// Only Receive's.
	in    incoming
	ready func(fd uintptr) bool
	fault error  // of the last read
	ping  []byte // what the next pong says; nil: none is owed

	// heard is whether a frame came since the group last looked, quiet how many
	// times it looked without one.
	heard atomic.Bool
	quiet int

	mu    sync.Mutex
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
	writers sync.WaitGroup
}
