package socket

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"
)

// Options are what the sockets of a group have in common.
type Options struct {
	// MaxMessage bounds one message, in bytes.
	MaxMessage int
	// PingInterval is how long a client may be silent before it is asked whether
	// it is there, and then until it has answered.
	PingInterval time.Duration
	// WriteTimeout is how long a client may take for one message, and to answer a
	// close frame.
	WriteTimeout time.Duration
	// Owed makes what a client is to have of the number that Owe was last told.
	// MostOwed numbers may wait for it, for OwedFor and until the group looks next.
	Owed     func(number int64) []byte
	MostOwed int
	OwedFor  time.Duration
	// Closed is told the code of each socket that is closed from here. It is called
	// under locks and must not call back.
	Closed func(code int)
}

// Group is the sockets of one server. Nothing has to be ended: it has no goroutine.
type Group struct {
	options Options

	mu      sync.Mutex
	members map[*Socket]struct{}
	// looking is whether look will be called.
	looking bool
}

// NewGroup returns a group without sockets.
func NewGroup(options Options) *Group {
	return &Group{options: options, members: map[*Socket]struct{}{}}
}

var errNoSocket = errors.New("the connection is no socket of the kernel")

// Upgrade makes a WebSocket of a request that offers protocol. Nothing of the
// request is kept, and the handler should return. If it fails, the client is
// answered.
func (g *Group) Upgrade(w http.ResponseWriter, r *http.Request, protocol string) (*Socket, error) {
	upgrader := ws.HTTPUpgrader{
		Timeout:  g.options.WriteTimeout,
		Protocol: func(offered string) bool { return offered == protocol },
	}

	connection, buffers, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		if connection != nil {
			err = errors.Join(err, connection.Close())
		}

		return nil, fmt.Errorf("upgrade: %w", err)
	}

	s := &Socket{group: g, connection: connection}
	s.ready = s.read
	s.heard.Store(true)

	// A client may send at once, and then net/http has read some of it.
	early, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	s.in.unread = bytes.Clone(early)

	if kernel, ok := connection.(syscall.Conn); !ok {
		err = errNoSocket
	} else {
		s.raw, err = kernel.SyscallConn()
	}

	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", errors.Join(err, connection.Close()))
	}

	g.add(s)

	return s, nil
}

func (g *Group) add(s *Socket) {
	g.mu.Lock()
	defer g.mu.Unlock()

	g.members[s] = struct{}{}

	if !g.looking {
		g.looking = true
		g.lookLater()
	}
}

func (g *Group) remove(s *Socket) {
	g.mu.Lock()
	defer g.mu.Unlock()

	delete(g.members, s)
}
