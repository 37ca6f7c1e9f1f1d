package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/invigil/invigil/sfu/socket"
)

const (
	// maxTCP is how many TCP connections there may be at a time.
	maxTCP = 4096

	// maxStrangers is how many of them may have proved nothing yet. The oldest goes
	// for a new one: who has credentials proves so in a round trip.
	maxStrangers = 256

	// maxFrame is more than any packet of a peer.
	maxFrame = 1500

	// proveTimeout is how long a connection may be silent: until its first authentic
	// check, and between two packets later.
	proveTimeout = 10 * time.Second

	// tcpBacklog is how many packets wait for a connection that is slower than they
	// come. A connection that far behind has lost its use for live pictures.
	tcpBacklog = 256

	writeTimeout = 5 * time.Second

	// closeTimeout bounds the goodbye.
	closeTimeout = time.Second
)

// tcpListener takes ICE-TCP connections (RFC 6544): passive candidates, frames
// of RFC 4571 with what UDP would carry.
type tcpListener struct {
	engine   *Engine
	listener *net.TCPListener

	mu      sync.Mutex
	closed  bool
	streams map[*tcpStream]struct{}
	// strangers are those that belong to no peer yet, the oldest first.
	strangers []*tcpStream
	running   sync.WaitGroup
}

func newTCPListener(listener *net.TCPListener, e *Engine) *tcpListener {
	return &tcpListener{engine: e, listener: listener, streams: make(map[*tcpStream]struct{})}
}

func (t *tcpListener) accept() {
	for {
		connection, err := t.listener.AcceptTCP()

		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// Out of descriptors, most likely: what is connected goes on.
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-t.engine.closing:
				return
			}
		}

		t.admit(connection)
	}
}

func (t *tcpListener) admit(connection *net.TCPConn) {
	remote, ok := connection.RemoteAddr().(*net.TCPAddr)

	t.mu.Lock()
	defer t.mu.Unlock()

	if !ok || t.closed || len(t.streams) >= maxTCP {
		_ = connection.Close()

		return
	}

	at := remote.AddrPort()
	s := &tcpStream{
		listener:   t,
		connection: connection,
		from:       netip.AddrPortFrom(at.Addr().Unmap(), at.Port()),
		outgoing:   make(chan []byte, tcpBacklog),
		ending:     make(chan struct{}),
	}
	t.streams[s] = struct{}{}

	if t.strangers = append(t.strangers, s); len(t.strangers) > maxStrangers {
		t.strangers[0].close()
		t.strangers = slices.Delete(t.strangers, 0, 1)
	}

	t.running.Go(s.read)
	t.running.Go(s.write)
}

// known takes a connection from the strangers.
func (t *tcpListener) known(s *tcpStream) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.strangers = slices.DeleteFunc(t.strangers, func(other *tcpStream) bool { return other == s })
}

func (t *tcpListener) close() error {
	err := t.listener.Close()

	t.mu.Lock()
	t.closed = true

	for s := range t.streams {
		s.close()
	}
	t.mu.Unlock()

	t.running.Wait()

	return err //nolint:wrapcheck // the caller does
}

// tcpStream is one connection.
type tcpStream struct {
	listener   *tcpListener
	connection *net.TCPConn
	from       netip.AddrPort
	// peer is who has proved that the connection is its own.
	peer     atomic.Pointer[Peer]
	outgoing chan []byte
	ending   chan struct{}
	once     sync.Once
}

// belongTo makes the connection the peer's, which has just proved so, and tells
// whether it may be. It stays with its first.
func (s *tcpStream) belongTo(p *Peer) bool {
	if owner := s.peer.Load(); owner != nil {
		return owner == p
	}

	if !p.hold(s) {
		return false
	}

	s.peer.Store(p)
	s.listener.known(s)

	return true
}

// send frames a copy of data. A full backlog drops it, as a network would.
func (s *tcpStream) send(data []byte) {
	if s.isEnding() {
		s.listener.engine.drops.count(DropSend)

		return
	}

	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(data)), uint16(len(data))) //nolint:gosec // a packet

	select {
	case s.outgoing <- append(frame, data...):
	default:
		s.listener.engine.drops.count(DropSend)
	}
}

// close makes both goroutines end, and does not wait for them.
func (s *tcpStream) close() {
	s.once.Do(func() {
		close(s.ending)
		_ = s.connection.SetWriteDeadline(time.Now().Add(closeTimeout)) // or it is over already
	})
}

func (s *tcpStream) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

func (s *tcpStream) read() {
	defer s.leave()

	e := s.listener.engine
	l := newLane(nil) // a connection is too little for a batch of its own

	var buffer [maxFrame]byte

	for {
		_ = s.connection.SetReadDeadline(time.Now().Add(proveTimeout))

		if _, err := io.ReadFull(s.connection, buffer[:2]); err != nil {
			return
		}

		n := int(binary.BigEndian.Uint16(buffer[:]))
		if n == 0 {
			continue
		}

		if n > maxFrame {
			e.drops.count(DropMalformed)

			return
		}

		if _, err := io.ReadFull(s.connection, buffer[:n]); err != nil {
			return
		}

		l.now = time.Now()
		e.Do(func(out *socket.Batch) {
			l.out = out
			e.packet(path{to: s.from, stream: s}, buffer[:n], l)
		})

		if s.peer.Load() == nil {
			return // nothing comes before an authentic check
		}
	}
}

func (s *tcpStream) leave() {
	s.close()

	s.listener.mu.Lock()
	delete(s.listener.streams, s)
	s.listener.mu.Unlock()
	s.listener.known(s)

	if p := s.peer.Load(); p != nil {
		p.release(s)
	}
}

func (s *tcpStream) write() {
	// This also ends a read.
	defer func() { _ = s.connection.Close() }()

	for !s.isEnding() {
		select {
		case <-s.ending:
		case frame := <-s.outgoing:
			_ = s.connection.SetWriteDeadline(time.Now().Add(writeTimeout))

			if s.isEnding() { // since: close's deadline is the one that holds
				_ = s.connection.SetWriteDeadline(time.Now().Add(closeTimeout))
			}

			if _, err := s.connection.Write(frame); err != nil {
				s.close()

				return
			}
		}
	}

	s.drain()
}

// drain writes what is left, a goodbye among it.
func (s *tcpStream) drain() {
	for {
		select {
		case frame := <-s.outgoing:
			if _, err := s.connection.Write(frame); err != nil {
				return
			}
		default:
			return
		}
	}
}
