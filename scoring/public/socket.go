package public

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/metrics"
)

// queueLength is how many messages may wait for a socket. A page gets one or two
// per report; this many are minutes of not reading.
const queueLength = 128

// socket is the writing half of an event socket. One goroutine writes and closes;
// everybody else only queues.
type socket struct {
	connection   *websocket.Conn
	metrics      *metrics.Set
	pingInterval time.Duration
	writeTimeout time.Duration
	queue        chan []byte
	// closing carries the one reason to close.
	closing chan closeReason
	// ended is closed when the reading half has ended.
	ended chan struct{}
	done  chan struct{}
	// quiet is closed when no more pings are sent.
	quiet chan struct{}

	mu     sync.Mutex
	closed bool
	over   bool
}

type closeReason struct {
	code int
	text string
}

func newSocket(connection *websocket.Conn, set *metrics.Set, ping, write time.Duration) *socket {
	s := &socket{
		connection:   connection,
		metrics:      set,
		pingInterval: ping,
		writeTimeout: write,
		queue:        make(chan []byte, queueLength),
		closing:      make(chan closeReason, 1),
		ended:        make(chan struct{}),
		done:         make(chan struct{}),
		quiet:        make(chan struct{}),
	}

	go s.run()
	go s.keepAlive()

	return s
}

// Send implements session.Conn. A message that finds the queue full closes the
// socket: the page connects again and gets a welcome with the present state.
func (s *socket) Send(message wire.ServerMessage) {
	data, err := json.Marshal(message)
	if err != nil {
		s.Close(wire.CloseShutdown, "internal error")

		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed {
		return
	}

	select {
	case s.queue <- data:
	default:
		s.close(wire.CloseTooSlow, "reads too slowly")
	}
}

// Close implements session.Conn. The first reason stands.
func (s *socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.close(code, reason)
}

// close needs the lock.
func (s *socket) close(code int, reason string) {
	if s.closed {
		return
	}

	s.closed = true
	s.closing <- closeReason{code: code, text: reason}

	s.metrics.SocketCloses.WithLabelValues(strconv.Itoa(code)).Inc()
}

// refuse closes with the code of err, which is a *exam.Refusal.
func (s *socket) refuse(err error) {
	refusal := (*exam.Refusal)(nil)
	if !errors.As(err, &refusal) {
		s.Close(wire.CloseShutdown, "internal error")

		return
	}

	s.Close(refusal.Close, string(refusal.Code))
}

// gone tells the writing half that the reading half has ended.
func (s *socket) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.closed = true

	if !s.over {
		s.over = true
		close(s.ended)
	}
}

// wait returns when the socket is closed and its goroutines have ended.
func (s *socket) wait() {
	s.gone()
	<-s.done
	<-s.quiet
}

func (s *socket) run() {
	defer close(s.done)
	defer func() { _ = s.connection.CloseNow() }()

	for {
		select {
		case data := <-s.queue:
			if !s.write(data) {
				return
			}
		case reason := <-s.closing:
			s.finish(reason)

			return
		case <-s.ended:
			// A reason may have come at the same moment.
			select {
			case reason := <-s.closing:
				s.finish(reason)
			default:
			}

			return
		}
	}
}

// finish writes what is queued, unless the reader was too slow for it, and
// closes with the reason.
func (s *socket) finish(reason closeReason) {
	for reason.code != wire.CloseTooSlow {
		select {
		case data := <-s.queue:
			if !s.write(data) {
				return
			}

			continue
		default:
		}

		break
	}

	// It fails if the other side is gone, and then there is nobody to tell.
	_ = s.connection.Close(websocket.StatusCode(reason.code), reason.text)
}

func (s *socket) write(data []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.writeTimeout)
	defer cancel()

	return s.connection.Write(ctx, websocket.MessageText, data) == nil
}

// keepAlive is apart from run, which must not wait.
func (s *socket) keepAlive() {
	defer close(s.quiet)

	keepAlive(s.connection, s.pingInterval, s.done)
}

// keepAlive finds the pages that vanished without a word: one that does not
// answer a ping within an interval loses its connection. It returns then, or
// when done is closed.
func keepAlive(connection *websocket.Conn, interval time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()

	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}

		pong, cancel := context.WithTimeout(context.Background(), interval)
		err := connection.Ping(pong)

		cancel()

		if err != nil {
			_ = connection.CloseNow()

			return
		}
	}
}

// isClosed is whether nothing that the page still sends counts.
func (s *socket) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.closed
}
