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
	id         string
	link       client.Link
	fault      Fault
	random     *rand.Rand
	device     string
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

	peer, err := client.NewPeer()
	if err != nil {
		return err
	}

	stay := &stay{student: s, joined: joined, peer: peer, camera: client.NewCamera(peer)}

	return stay.run(ctx)
}

// stay is one session of a student, from join to leaving.
type stay struct {
	*student

	joined    *wire.JoinResponse
	peer      *client.Peer
	camera    *client.Camera
	published *client.Publication
	// vanished: what can still be released is, and nobody is told.
	vanished bool
}

func (s *stay) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)

	var background sync.WaitGroup

	events := client.NewEvents(s.httpClient, s.link.EventsURL(), s.joined.Token, s.heard)
	ended := make(chan error, 2)

	background.Go(func() { ended <- s.camera.Run(ctx) })

	defer func() {
		cancel()
		background.Wait()
		s.leave(context.WithoutCancel(ctx))
	}()

	if err := s.publish(ctx); err != nil {
		return err
	}

	s.journal.tell(s.id, "connected", nil)

	background.Go(func() { ended <- events.Run(ctx) })

	return s.takePart(ctx, events, ended)
}

// publish sends the camera, and returns once it is connected.
func (s *stay) publish(ctx context.Context) error {
	states := make(chan webrtc.PeerConnectionState, 8)
	s.peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		select {
		case states <- state:
		default:
		}
	})

	var err error
	if s.published, err = client.Publish(ctx, s.httpClient, s.link.WHIPURL(), s.joined.Token, s.peer); err != nil {
		return fmt.Errorf("publish: %w", err)
	}

	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()

	for {
		switch s.peer.ConnectionState() {
		case webrtc.PeerConnectionStateConnected:
			return nil
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			return errors.New("the media connection failed")
		default:
		}

		select {
		case <-states:
		case <-timeout.C:
			return fmt.Errorf("no media connection within %v", connectTimeout)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
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

	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return err
		case <-look.C:
			switch s.peer.ConnectionState() {
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
// ctx outlives the stay's: the server should hear of its end.
func (s *stay) leave(ctx context.Context) {
	if s.vanished {
		// Its parts fail to say goodbye, as they must.
		_ = s.peer.Vanish()

		return
	}

	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()

	if s.published != nil {
		// A session that the server has ended already is none to delete.
		_ = s.published.Delete(ctx, s.joined.Token)
	}

	if err := s.peer.Close(); err != nil {
		s.journal.tell(s.id, "closing", err)
	}
}

// heard tells of what the server says beyond acknowledgements.
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
	case "welcome", "state", "exam":
		s.journal.tell(s.id, message.Type, nil)
	}
}
