// Package view owns the viewers' sessions, as package session does those of
// publishers, and speaks the slot viewer's protocol (docs/protocol.md).
package view

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/media"
	"github.com/invigil/invigil/sfu/negotiate"
)

// Errors of View.
var (
	// ErrTooMany: there are as many viewers as there may be.
	ErrTooMany = errors.New("too many viewers")
	// ErrShutdown: the table takes nobody any more.
	ErrShutdown = errors.New("shutting down")
)

// Reason is why a viewer's session ended. Each ends with exactly one.
type Reason string

// The reasons.
const (
	// Deleted: by WHEP DELETE.
	Deleted Reason = "Deleted"
	// SocketClosed: the slot viewer's WebSocket went.
	SocketClosed Reason = "SocketClosed"
	// IceFailed: nothing was heard of a connected viewer for too long.
	IceFailed = Reason(conn.IceFailed)
	// ConnectTimeout: the viewer never connected.
	ConnectTimeout = Reason(conn.ConnectTimeout)
	// DtlsClosed: the viewer closed its connection, or DTLS failed.
	DtlsClosed = Reason(conn.DtlsClosed)
	// Shutdown: the pod ends.
	Shutdown Reason = "Shutdown"
)

func reasons() []Reason {
	return []Reason{Deleted, SocketClosed, IceFailed, ConnectTimeout, DtlsClosed, Shutdown}
}

// Timing is how long things may take.
type Timing struct {
	// Offer is how long a slot viewer may take to its first message.
	Offer time.Duration
	// Connect and Silence are session.Timing's.
	Connect, Silence time.Duration
}

// Options are a table's bounds.
type Options struct {
	// Limit is how many viewers there may be, MaxSlots how many slots each.
	Limit, MaxSlots int
	Timing          Timing
}

// engine is media.Engine, as far as it is needed.
type engine interface {
	View(offer *negotiate.Offer, candidates []negotiate.Candidate) (*media.Viewer, string, error)
}

// Table is the one owner of all viewers. It is safe for concurrent use.
type Table struct {
	engine  engine
	options Options
	logger  *zap.Logger
	metrics *metrics

	// closing is closed when the table takes nobody any more.
	closing chan struct{}

	mu      sync.Mutex
	viewers map[string]*viewer
	running sync.WaitGroup
	// sockets are being served.
	sockets sync.WaitGroup
}

// viewer is one viewer's stay.
type viewer struct {
	id    string
	media *media.Viewer
	began time.Time

	// ending is closed when the viewer gets its reason, done when everything that
	// it owned is released and it has left the table.
	ending chan struct{}
	done   chan struct{}

	// guarded by the table
	signalled conn.Signalled
	reason    Reason
}

// NewTable returns an empty table.
func NewTable(engine *media.Engine, options Options, logger *zap.Logger) *Table {
	return &Table{
		engine: engine, options: options, logger: logger,
		metrics: newMetrics(), closing: make(chan struct{}), viewers: make(map[string]*viewer),
	}
}

// Accepted is a session that View has begun.
type Accepted struct {
	ID, ETag, Answer string
	Viewer           *media.Viewer

	viewer *viewer
}

// View answers the offer with a new session of the viewer called owner. Errors:
// ErrTooMany, ErrShutdown, and those of media.Engine.
func (t *Table) View(owner string, offer *negotiate.Offer, candidates []negotiate.Candidate) (*Accepted, error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	switch {
	case t.isClosing():
		return nil, ErrShutdown
	case len(t.viewers) >= t.options.Limit:
		return nil, ErrTooMany
	}

	connection, answer, err := t.engine.View(offer, candidates)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}

	v := &viewer{
		id: rand.Text(), media: connection, began: time.Now(),
		ending: make(chan struct{}), done: make(chan struct{}),
		signalled: conn.NewSignalled(owner, offer),
	}
	t.viewers[v.id] = v

	t.running.Go(func() { t.run(v) })

	return &Accepted{ID: v.id, ETag: v.signalled.ETag, Answer: answer, Viewer: connection, viewer: v}, nil
}

// run watches over a viewer until it has a reason to end, and ends it.
func (t *Table) run(v *viewer) {
	timing := t.options.Timing

	end := conn.Watch{Connect: timing.Connect, Silence: timing.Silence, Connected: v.media.Connected}.
		Run(v.media, v.ending)
	if end != "" {
		t.end(v, Reason(end))
	}

	v.media.Close()

	t.mu.Lock()
	reason := v.reason
	delete(t.viewers, v.id)
	t.mu.Unlock()

	t.metrics.ended.WithLabelValues(string(reason)).Inc()
	t.logger.Info("viewer ended", zap.String("viewer", v.signalled.Owner), zap.String("session", v.id),
		zap.String("reason", string(reason)), zap.Duration("lasted", time.Since(v.began)))
	close(v.done)
}

// end gives the viewer its reason to end, unless it has one.
func (t *Table) end(v *viewer, reason Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if v.reason == "" {
		v.reason = reason
		close(v.ending)
	}
}

// Find returns the session with the id. Error: conn.ErrNotFound.
func (t *Table) Find(id string) (conn.Info, error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	v := t.viewers[id]
	if v == nil || v.reason != "" {
		return conn.Info{}, conn.ErrNotFound
	}

	return v.signalled.Info, nil
}

// Restart gives the session new ICE credentials, for a viewer who has given
// itself new ones, and with them a new entity tag. It returns the SDP fragment
// that says so. Errors: conn.ErrNotFound, or what is wrong with the candidates.
func (t *Table) Restart(id, ufrag string, candidates []negotiate.Candidate) (fragment, etag string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	v := t.viewers[id]
	if v == nil || v.reason != "" {
		return "", "", conn.ErrNotFound
	}

	if fragment, err = v.signalled.Restart(v.media, ufrag, candidates); err != nil {
		return "", "", err //nolint:wrapcheck // it says enough
	}

	return fragment, v.signalled.ETag, nil
}

// Delete ends the session and returns once everything that it owned is
// released. Errors: conn.ErrNotFound, ctx's.
func (t *Table) Delete(ctx context.Context, id string) error {
	t.mu.Lock()
	v := t.viewers[id]
	t.mu.Unlock()

	if v == nil {
		return conn.ErrNotFound
	}

	t.end(v, Deleted)

	select {
	case <-v.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the session's end: %w", context.Cause(ctx))
	}
}

// enter counts a socket in, which sockets.Done counts out, unless the table takes
// nobody any more.
func (t *Table) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.isClosing() {
		return false
	}

	t.sockets.Add(1)

	return true
}

// isClosing needs the lock, where the answer must hold for longer than a moment.
func (t *Table) isClosing() bool {
	select {
	case <-t.closing:
		return true
	default:
		return false
	}
}

// Shutdown takes nobody any more, ends all sessions, and returns once they are
// gone and their sockets closed.
func (t *Table) Shutdown() {
	t.mu.Lock()

	if !t.isClosing() {
		close(t.closing)
	}

	var left []*viewer
	for _, v := range t.viewers {
		left = append(left, v)
	}
	t.mu.Unlock()

	for _, v := range left {
		t.end(v, Shutdown)
	}

	t.running.Wait()
	t.sockets.Wait()
}
