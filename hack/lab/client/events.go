package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
)

// ClosedError is the end of an event socket that must not be opened again with the
// same token.
type ClosedError struct {
	// Code is one of wire.Close….
	Code   int
	Reason string
}

// Error is error's.
func (c *ClosedError) Error() string {
	return fmt.Sprintf("event socket closed with %d %s", c.Code, c.Reason)
}

const (
	readLimit  = 64 << 10
	minBackoff = 500 * time.Millisecond
	maxBackoff = 10 * time.Second
	// maxUnacked bounds what is kept for a server that is away: 40 minutes of
	// reports at the default interval.
	maxUnacked = 1000
)

// Events is a student's event socket. It outlives connections: reports that were
// not acknowledged are sent again on the next one.
type Events struct {
	url        string
	token      string
	httpClient *http.Client
	onMessage  func(wire.ServerMessage)

	mu      sync.Mutex
	seq     int64
	unacked []wire.ClientMessage
	// pending is how many of unacked, from the end, have not been sent on the
	// current connection.
	pending int
	// greeted is true from the first welcome on.
	greeted bool
	wake    chan struct{}
}

// NewEvents returns the event socket at url for the session token. onMessage,
// which may be nil, is called for each message of the server, one at a time.
func NewEvents(httpClient *http.Client, url, sessionToken string, onMessage func(wire.ServerMessage)) *Events {
	if onMessage == nil {
		onMessage = func(wire.ServerMessage) {}
	}

	return &Events{url: url, token: sessionToken, httpClient: httpClient, onMessage: onMessage, wake: make(chan struct{}, 1)}
}

// Report queues a report. It never blocks.
func (e *Events) Report(delta wire.PageDelta, violations []wire.ReportedViolation) {
	e.mu.Lock()
	e.seq++
	e.unacked = append(e.unacked, wire.ClientMessage{
		Type:       "report",
		Seq:        e.seq,
		SentAt:     time.Now().UnixMilli(),
		Delta:      delta,
		Violations: violations,
	})

	e.pending++
	if over := len(e.unacked) - maxUnacked; over > 0 {
		e.unacked = e.unacked[over:]
		e.pending = min(e.pending, len(e.unacked))
	}
	e.mu.Unlock()

	e.poke()
}

func (e *Events) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run keeps the socket open until ctx ends or the server says not to come back.
// Errors: *ClosedError, *Error (a refused token), or ctx's.
func (e *Events) Run(ctx context.Context) error {
	backoff := minBackoff

	for {
		began := time.Now()
		err := e.connect(ctx)

		if ctx.Err() != nil {
			return context.Cause(ctx)
		}

		var (
			closed  *ClosedError
			refused *Error
		)
		if errors.As(err, &closed) || errors.As(err, &refused) && !refused.Temporary() {
			return err
		}

		if time.Since(began) > maxBackoff {
			backoff = minBackoff
		}

		// Jitter: a server that restarts is not met by everybody at once.
		if err := sleep(ctx, backoff/2+rand.N(backoff)); err != nil { //nolint:gosec // no secret
			return err
		}

		backoff = min(2*backoff, maxBackoff)
	}
}

// connect serves one connection until it ends.
func (e *Events) connect(ctx context.Context) error {
	socket, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer socket.CloseNow() //nolint:errcheck // gone either way

	socket.SetReadLimit(readLimit)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	written := make(chan struct{})
	welcome := make(chan struct{})

	go func() {
		defer close(written)

		e.write(ctx, socket, welcome)
	}()

	err = e.read(ctx, socket, welcome)

	cancel()
	<-written

	return err
}

func (e *Events) dial(ctx context.Context) (*websocket.Conn, error) {
	return dial(ctx, e.url, &websocket.DialOptions{
		HTTPClient:   e.httpClient,
		Subprotocols: []string{wire.Subprotocol, wire.BearerSubprotocol + e.token},
	})
}

// read handles the server's messages until the connection ends.
func (e *Events) read(ctx context.Context, socket *websocket.Conn, welcome chan<- struct{}) error {
	welcomed := false

	for {
		_, data, err := socket.Read(ctx)
		if err != nil {
			return closeError(err)
		}

		var message wire.ServerMessage
		if err := json.Unmarshal(data, &message); err != nil {
			return fmt.Errorf("event socket: %w", err)
		}

		switch message.Type {
		case "welcome":
			e.welcomed(message.Seq)

			if !welcomed {
				welcomed = true

				close(welcome)
			}
		case "ack":
			e.acked(message.Seq)
		}

		e.onMessage(message)
	}
}

// closeError turns a close that forbids to come back into *ClosedError.
func closeError(err error) error {
	var frame websocket.CloseError
	if errors.As(err, &frame) && frame.Code >= 4400 && frame.Code <= 4499 {
		return &ClosedError{Code: int(frame.Code), Reason: frame.Reason}
	}

	return fmt.Errorf("event socket: %w", err)
}

// welcomed drops what the server has and marks the rest to be sent.
func (e *Events) welcomed(seq int64) {
	e.mu.Lock()
	defer e.mu.Unlock()

	if !e.greeted {
		// Nothing has been sent yet. A process that resumes a session counts on
		// from where the server is; its reports are new, not repeats.
		for i := range e.unacked {
			e.unacked[i].Seq += seq
		}

		e.seq += seq
		e.greeted = true
	} else {
		e.dropLocked(seq)
	}

	e.pending = len(e.unacked)
}

func (e *Events) acked(seq int64) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.dropLocked(seq)
}

func (e *Events) dropLocked(seq int64) {
	kept := 0
	for kept < len(e.unacked) && e.unacked[kept].Seq <= seq {
		kept++
	}

	e.unacked = e.unacked[kept:]
	e.pending = min(e.pending, len(e.unacked))
}

// write sends what is pending, once the server has said what it has.
func (e *Events) write(ctx context.Context, socket *websocket.Conn, welcome <-chan struct{}) {
	select {
	case <-welcome:
	case <-ctx.Done():
		return
	}

	for {
		message, ok := e.next()
		if !ok {
			select {
			case <-e.wake:
				continue
			case <-ctx.Done():
				return
			}
		}

		if err := send(ctx, socket, message); err != nil {
			// The reader sees the connection's end, and says why.
			_ = socket.CloseNow()

			return
		}
	}
}

func (e *Events) next() (wire.ClientMessage, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()

	if e.pending == 0 {
		return wire.ClientMessage{}, false
	}

	message := e.unacked[len(e.unacked)-e.pending]
	e.pending--

	return message, true
}
