// Package session owns the publishers' sessions: who is in, since when, whether
// media arrives, and why each one went.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
)

// Errors of Publish and Delete.
var (
	// ErrTooMany: the table is full.
	ErrTooMany = errors.New("too many sessions")
	// ErrDraining: the table takes nobody any more.
	ErrDraining = errors.New("draining")
	// ErrPublishing: the student publishes already, and is not to be taken over.
	ErrPublishing = errors.New("the student publishes already")
	// ErrTakenOver: the same student published again meanwhile.
	ErrTakenOver = errors.New("taken over by another publisher")
	// ErrNotFound: there is no such session.
	ErrNotFound = conn.ErrNotFound
)

// Timing is how long things may take.
type Timing struct {
	// Connect is how long a publisher may take from the answer to connected.
	Connect time.Duration
	// Silence is how long a publisher that the connection calls silent may stay
	// so.
	Silence time.Duration
	// Receiving is for how long after a packet media counts as arriving.
	Receiving time.Duration
	// KeyFrameInterval is how often a publisher is asked for a key frame.
	KeyFrameInterval time.Duration
	// SampleInterval is how often, at most, a stream's key frame is decoded to see
	// whether it is dark, blurred or still. 0: never.
	SampleInterval time.Duration
	// SampleShare is the part of one CPU that this may take, between 0 and 1;
	// samples come more rarely rather than take more.
	SampleShare float64
}

// DefaultTiming ends a killed browser's session 7 to 8 s after its last packet:
// the transport calls it silent after 5 to 6.
func DefaultTiming() Timing {
	return Timing{
		Connect:          15 * time.Second,
		Silence:          2 * time.Second,
		Receiving:        3 * time.Second,
		KeyFrameInterval: 3 * time.Second,
		SampleInterval:   10 * time.Second,
		SampleShare:      0.1,
	}
}

// Duplicate is what becomes of a second publisher of one student.
type Duplicate string

// The rules.
const (
	// TakeOver ends the first, for a student who has lost a page and opened another.
	TakeOver Duplicate = "takeover"
	// Refuse turns the second away, for as long as the first is heard of.
	Refuse Duplicate = "refuse"
)

// Options are the rules of a table.
type Options struct {
	// Limit is how many sessions there may be.
	Limit int
	// Duplicate: TakeOver if empty.
	Duplicate Duplicate
	Timing    Timing
}

// Table is the one owner of all sessions. It is safe for concurrent use.
type Table struct {
	engine  conn.Engine
	options Options
	timing  Timing
	logger  *zap.Logger
	metrics *metrics
	// epoch makes versions of one process differ from those of any other.
	epoch string

	mu        sync.Mutex
	byID      map[string]*session
	byStudent map[string]*session
	draining  bool
	// drainBy is when those who are left are ended.
	drainBy time.Time
	// ended sums up what sessions that have left had received.
	endedPackets, endedBytes uint64
	version                  uint64
	// changed is closed, and replaced, when version changes.
	changed chan struct{}
}

// NewTable returns an empty table.
func NewTable(engine conn.Engine, options Options, logger *zap.Logger) *Table {
	return &Table{
		engine:    engine,
		options:   options,
		timing:    options.Timing,
		logger:    logger,
		metrics:   newMetrics(),
		epoch:     rand.Text()[:8],
		byID:      make(map[string]*session),
		byStudent: make(map[string]*session),
		changed:   make(chan struct{}),
	}
}

// Accepted is a session that Publish has begun.
type Accepted struct {
	ID     string
	ETag   string
	Answer string
}

// Publish answers the offer with a new session. A session that the student
// already has is taken over: it ends, and everything that it owned is released,
// before the new one begins; or it stays, if that is the rule. Errors:
// ErrTooMany, ErrDraining, ErrPublishing, ErrTakenOver, ctx's, and those of
// conn.Engine.
func (t *Table) Publish(
	ctx context.Context, publisher Publisher, offer *negotiate.Offer, candidates []negotiate.Candidate,
) (*Accepted, error) {
	s, err := t.enter(ctx, publisher, offer)
	if err != nil {
		return nil, err
	}

	connection, answer, err := t.engine.Accept(offer, candidates)
	if err != nil {
		t.forget(s)

		return nil, fmt.Errorf("accept: %w", err)
	}

	s.logger.Info("session accepted")
	t.metrics.joins.Inc()

	reason, etag := t.attach(s, connection)

	go s.run(connection)

	switch reason {
	case "":
		return &Accepted{ID: s.id, ETag: etag, Answer: answer}, nil
	case Shutdown, Drained:
		return nil, ErrDraining
	default:
		return nil, ErrTakenOver
	}
}

// enter reserves the student's place.
func (t *Table) enter(ctx context.Context, publisher Publisher, offer *negotiate.Offer) (*session, error) {
	for {
		s, older, err := t.tryEnter(publisher, offer)
		if err != nil || s != nil {
			return s, err
		}

		select {
		case <-older.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the older session's end: %w", context.Cause(ctx))
		}
	}
}

// tryEnter returns the new session, or the older one that has been told to end.
func (t *Table) tryEnter(publisher Publisher, offer *negotiate.Offer) (entered, older *session, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.draining {
		return nil, nil, ErrDraining
	}

	if older := t.byStudent[publisher.Student]; older != nil {
		if t.options.Duplicate == Refuse && older.isHeard() {
			return nil, nil, ErrPublishing
		}

		t.endLocked(older, TakenOver)

		return nil, older, nil
	}

	if len(t.byID) >= t.options.Limit {
		return nil, nil, ErrTooMany
	}

	id := rand.Text()
	s := &session{
		id:        id,
		signalled: conn.NewSignalled(publisher.Student, offer),
		publisher: publisher,
		accepted:  time.Now(),
		table:     t,
		logger: t.logger.With(zap.String("session", id), zap.String("student", publisher.Student),
			zap.String("sid", publisher.SessionID)),
		ending: make(chan struct{}),
		done:   make(chan struct{}),
	}
	t.byID[id] = s
	t.byStudent[publisher.Student] = s

	return s, nil, nil
}

// isHeard tells whether the session's publisher is there. The table is locked.
func (s *session) isHeard() bool {
	return s.state == Connected && s.connection.State() == conn.Connected
}

// attach gives the session its connection, and returns the reason to end that
// it may have got in the meantime.
func (t *Table) attach(s *session, connection conn.Publisher) (reason Reason, etag string) {
	t.mu.Lock()
	defer t.mu.Unlock()

	s.connection = connection

	return s.reason, s.signalled.ETag
}

// forget removes a session whose offer could not be answered: it never began.
func (t *Table) forget(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.removeLocked(s)
}

// leave tells of a session that has released its connection, and removes it:
// what is told of it comes before anything of the student's next one.
func (t *Table) leave(s *session, connection conn.Publisher) {
	packets, bytes := connection.Received()
	reason := t.reason(s)

	t.metrics.ended.WithLabelValues(string(reason)).Inc()
	s.logger.Info("session ended", zap.String("reason", string(reason)),
		zap.Duration("lasted", time.Since(s.accepted)), zap.Uint64("packets", packets), zap.Uint64("bytes", bytes))

	t.mu.Lock()
	defer t.mu.Unlock()

	t.endedPackets += packets
	t.endedBytes += bytes
	t.removeLocked(s)
}

// reason is why the session has ended: once there is one, it does not change.
func (t *Table) reason(s *session) Reason {
	t.mu.Lock()
	defer t.mu.Unlock()

	return s.reason
}

func (t *Table) removeLocked(s *session) {
	delete(t.byID, s.id)
	delete(t.byStudent, s.publisher.Student)
	close(s.done)
}

// connected moves the session from connecting to connected, and returns whether
// it did.
func (t *Table) connected(s *session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	if s.state != Connecting {
		return false
	}

	s.state = Connected
	s.connectedAt = time.Now()
	t.metrics.joinSeconds.Observe(s.connectedAt.Sub(s.accepted).Seconds())
	t.bumpLocked()
	s.logger.Info("session connected", zap.Duration("took", s.connectedAt.Sub(s.accepted)))

	return true
}

// end gives the session its reason to end, unless it has one.
func (t *Table) end(s *session, reason Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.endLocked(s, reason)
}

func (t *Table) endLocked(s *session, reason Reason) {
	if s.state == Closed {
		return
	}

	if s.state == Connected {
		t.bumpLocked()
	}

	s.state = Closed
	s.reason = reason
	s.receiving = false
	close(s.ending)
}

// Delete ends the session and returns once everything that it owned is
// released. Errors: ErrNotFound, ctx's.
func (t *Table) Delete(ctx context.Context, id string) error {
	t.mu.Lock()

	s := t.byID[id]
	if s == nil || s.state == Closed {
		t.mu.Unlock()

		return ErrNotFound
	}

	t.endLocked(s, Deleted)
	t.mu.Unlock()

	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the session's end: %w", context.Cause(ctx))
	}
}

// Find returns the session with the id. Error: ErrNotFound.
func (t *Table) Find(id string) (conn.Info, error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	s := t.byID[id]
	if s == nil || s.state == Closed {
		return conn.Info{}, ErrNotFound
	}

	return s.signalled.Info, nil
}

// Restart gives the session new ICE credentials, for a publisher who has given
// itself new ones, and with them a new entity tag. It returns the SDP fragment
// that says so. Errors: ErrNotFound, or what is wrong with the candidates.
func (t *Table) Restart(id, ufrag string, candidates []negotiate.Candidate) (fragment, etag string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	s := t.byID[id]
	if s == nil || s.state == Closed || s.connection == nil {
		return "", "", ErrNotFound
	}

	if fragment, err = s.signalled.Restart(s.connection, ufrag, candidates); err != nil {
		return "", "", err //nolint:wrapcheck // it says enough
	}

	return fragment, s.signalled.ETag, nil
}
