package socket

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
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

// Group is the sockets of one server. Nothing has to be ended: what runs for them
// ends with the last of them.
type Group struct {
	options Options

	mu sync.Mutex
	// members by their descriptors.
	members map[int]*Socket
	// poller is there while there are members.
	poller *poller
	// looking is whether look will be called.
	looking bool
}

// NewGroup returns a group without sockets.
func NewGroup(options Options) *Group {
	return &Group{options: options, members: map[int]*Socket{}}
}

var errNoSocket = errors.New("the connection is no socket of the kernel")

// Upgrade makes a WebSocket of a request that offers protocol. Nothing of the
// request is kept. Serve must be called. If it fails, the client is answered.
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

	s := &Socket{group: g, busy: true}
	s.heard.Store(true)

	// A client may send at once, and then net/http has read some of it.
	early, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	s.in.unread = bytes.Clone(early)

	if s.fd, s.leave, err = take(connection); err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}

	return s, nil
}

// take takes the descriptor out of a connection: Go's poller would wake a thread
// for all that comes, though nobody waits there. leave is to be called once the
// descriptor is closed.
func take(connection net.Conn) (fd int, leave func(), err error) {
	fd, err = copyOf(connection)
	if err != nil {
		return -1, nil, errors.Join(err, connection.Close())
	}

	leave = func() {}

	if counted, ok := connection.(interface{ Release() (func(), error) }); ok {
		leave, err = counted.Release()
	} else {
		err = connection.Close()
	}

	if err != nil {
		leave()

		return -1, nil, errors.Join(err, unix.Close(fd))
	}

	return fd, leave, nil
}

func copyOf(connection net.Conn) (fd int, err error) {
	kernel, ok := connection.(syscall.Conn)
	if !ok {
		return -1, errNoSocket
	}

	raw, err := kernel.SyscallConn()
	if err != nil {
		return -1, err //nolint:wrapcheck // the caller does
	}

	var failed error
	err = raw.Control(func(own uintptr) { fd, failed = duplicate(int(own)) })

	return fd, errors.Join(err, failed)
}

func (g *Group) add(s *Socket) error {
	g.mu.Lock()
	defer g.mu.Unlock()

	if g.poller == nil {
		var err error
		if g.poller, err = newPoller(g); err != nil {
			return err
		}
	}

	g.members[s.fd] = s

	if !g.looking {
		g.looking = true
		g.lookLater()
	}

	return g.poller.add(s)
}

// remove must be called before the descriptor is closed.
func (g *Group) remove(s *Socket) {
	g.mu.Lock()
	defer g.mu.Unlock()

	if g.members[s.fd] != s {
		return
	}

	delete(g.members, s.fd)
	g.poller.remove(s)

	if len(g.members) == 0 {
		g.poller.close()
		g.poller = nil
	}
}

// member is the socket of a descriptor; nil if it was removed.
func (g *Group) member(fd int) *Socket {
	g.mu.Lock()
	defer g.mu.Unlock()

	return g.members[fd]
}
