package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

const (
	minBackoff     = time.Second
	maxBackoff     = 15 * time.Second
	connectTimeout = 20 * time.Second
	goodbyeTimeout = 5 * time.Second
)

// student is one simulated student. Its goroutine is run; what it does is told
// to journal.
type student struct {
	id    string
	link  client.Link
	fault Fault
	// plants are the signs that are still to be shown.
	plants     []plant
	random     *rand.Rand
	device     string
	simulcast  bool
	httpClient *http.Client
	journal    *journal
}

// errLeft: the student's stay is over for good, as wanted.
var errLeft = errors.New("left")

// run joins, takes part, and joins again whenever that ends, until ctx ends or
// the server says not to come back.
func (s *student) run(ctx context.Context) {
	backoff := minBackoff

	for {
		began := time.Now()
		err := s.stay(ctx)

		if ctx.Err() != nil {
			return
		}

		if errors.Is(err, errLeft) || !again(err) {
			s.journal.tell(s.id, "gone", err)

			return
		}

		if time.Since(began) > maxBackoff {
			backoff = minBackoff
		}

		pause := backoff/2 + time.Duration(s.random.Int64N(int64(backoff)))
		if refused := (*client.Error)(nil); errors.As(err, &refused) {
			pause = max(pause, min(refused.RetryAfter, maxBackoff))
		}

		s.journal.tell(s.id, "waiting", err)

		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}

		backoff = min(2*backoff, maxBackoff)
	}
}

// again tells whether joining again can help.
func again(err error) bool {
	if closed := (*client.ClosedError)(nil); errors.As(err, &closed) {
		return closed.Code == wire.CloseUnauthenticated
	}

	// A session token that has become useless is replaced by joining.
	if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return refused.Body.Code == wire.CodeTokenExpired
	}

	return client.IsTemporary(err)
}

// stay is one join with all that follows. It returns why it ended.
func (s *student) stay(ctx context.Context) error {
	s.journal.tell(s.id, "joining", nil)

	joined, err := client.Join(ctx, s.httpClient, s.link, s.device)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}

	s.journal.tell(s.id, "joined", nil)

	stay := &stay{
		student: s,
		joined:  joined,
		feed:    feed{wanted: wire.WantedHigh}, // until the server says otherwise
		failed:  make(chan error, 1),
		moves:   make(chan struct{}, 1),
	}

	return stay.run(ctx)
}

// stay is one session of a student, from join to leaving.
type stay struct {
	*student

	joined *wire.JoinResponse
	feed   feed
	// failed receives when a camera cannot go on.
	failed chan error
	// moves receives when the server tells the student to publish again.
	moves chan struct{}
	// vanished: what can still be released is, and nobody is told.
	vanished bool
	// background ends with the stay.
	background sync.WaitGroup
}

func (s *stay) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)

	events := client.NewEvents(s.httpClient, s.link.EventsURL(), s.joined.Token, s.heard)
	ended := make(chan error, 1)

	defer func() {
		cancel()
		s.background.Wait()
		s.leave(context.WithoutCancel(ctx))
	}()

	first, err := s.open(ctx)
	if err != nil {
		return err
	}

	s.feed.replace(first)
	s.journal.tell(s.id, "connected", nil)

	s.background.Go(func() { ended <- events.Run(ctx) })

	return s.takePart(ctx, events, ended)
}

// takePart reports until something ends the stay.
func (s *stay) takePart(ctx context.Context, events *client.Events, ended <-chan error) error {
	reports := time.NewTicker(max(time.Duration(s.joined.Policy.ReportIntervalMs)*time.Millisecond, 100*time.Millisecond))
	defer reports.Stop()

	look := time.NewTicker(time.Second)
	defer look.Stop()

	var strike <-chan time.Time
	if s.fault != NoFault {
		strike = time.After(until(s.random))
	}

	act := s.behaviour()
	moves, moved := s.moves, make(chan struct{}, 1)

	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return err
		case err := <-s.failed:
			return err
		case <-moves:
			moves = nil // One at a time.

			s.background.Go(func() {
				s.move(ctx)

				moved <- struct{}{}
			})
		case <-moved:
			moves = s.moves
		case <-look.C:
			switch s.feed.current().peer.ConnectionState() {
			case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
				return errors.New("the media connection ended")
			default:
			}
		case <-reports.C:
			delta, violations := act.report()
			events.Report(delta, violations)
		case <-strike:
			s.journal.tell(s.id, string(s.fault), nil)

			if err := act.strike(); err != nil {
				return err
			}

			strike = time.After(until(s.random))
		}
	}
}

// leave says goodbye, unless the student has vanished, and releases the rest.
func (s *stay) leave(ctx context.Context) {
	live := s.feed.current()

	if s.vanished && live != nil {
		live.vanish()

		return
	}

	s.end(ctx, live)
}

// heard does what the server says, and tells of what is no acknowledgement.
func (s *stay) heard(message wire.ServerMessage) {
	switch message.Type {
	case "ack":
		s.journal.acked()
	case "violation":
		s.journal.counted()
	case "error":
		if message.Error != nil {
			s.journal.tell(s.id, "error", errors.New(strings.TrimSpace(string(message.Error.Code)+" "+message.Error.Message)))
		}
	case "media":
		s.journal.media(s.id, message.Media)
		s.feed.want(message.Media)
	case "move":
		s.journal.tell(s.id, message.Type, nil)

		select {
		case s.moves <- struct{}{}:
		default:
		}
	case "welcome", "state", "exam":
		s.journal.tell(s.id, message.Type, nil)
	}
}
