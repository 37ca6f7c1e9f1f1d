package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

// overlap is how long a student who moves sends to both pods: scoring hears of
// the new stream from its pod, and the first frame may be a second away.
const overlap = 2 * time.Second

// stream is one publication of a student's camera.
type stream struct {
	peer      *client.Peer
	camera    *client.Camera
	published *client.Publication
	stop      context.CancelFunc
	playing   sync.WaitGroup
}

// feed is what a student sends, whichever stream it goes through.
type feed struct {
	mu sync.Mutex
	// live is nil until the student has published.
	live    *stream
	picture client.Picture
	// wanted is what the server asked for last.
	wanted wire.WantedMedia
}

// show changes the picture.
func (f *feed) show(picture client.Picture) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.picture = picture
	if f.live != nil {
		f.live.camera.Show(picture)
	}
}

// want changes what is sent of it.
func (f *feed) want(media wire.WantedMedia) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.wanted = media
	if f.live != nil {
		f.live.peer.Want(media)
	}
}

// replace makes next the live stream, and returns the one before.
func (f *feed) replace(next *stream) (old *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()

	old, f.live = f.live, next
	f.applyLocked(next)

	return old
}

func (f *feed) apply(to *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.applyLocked(to)
}

func (f *feed) applyLocked(to *stream) {
	if to != nil {
		to.camera.Show(f.picture)
		to.peer.Want(f.wanted)
	}
}

func (f *feed) current() *stream {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.live
}

// open sends the camera in a new stream, and returns once it is connected. A
// failure of the camera, later, goes to s.failed.
func (s *stay) open(ctx context.Context) (*stream, error) {
	var options []client.PeerOption
	if s.simulcast {
		options = append(options, client.Simulcast())
	}

	peer, err := client.NewPeer(options...)
	if err != nil {
		return nil, err
	}

	playing, stop := context.WithCancel(context.WithoutCancel(ctx))
	opened := &stream{peer: peer, camera: client.NewCamera(peer), stop: stop}
	s.feed.apply(opened)

	opened.playing.Go(func() {
		if err := opened.camera.Run(playing); err != nil {
			select {
			case s.failed <- err:
			default:
			}
		}
	})

	if err := s.connect(ctx, opened); err != nil {
		s.end(context.WithoutCancel(ctx), opened)

		return nil, err
	}

	return opened, nil
}

func (s *stay) connect(ctx context.Context, opened *stream) (err error) {
	states := make(chan struct{}, 1)
	opened.peer.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		select {
		case states <- struct{}{}:
		default:
		}
	})

	opened.published, err = client.Publish(ctx, s.httpClient, s.link.WHIPURL(), s.joined.Token, opened.peer)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}

	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()

	for {
		switch opened.peer.ConnectionState() {
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

// move publishes again, wherever scoring sends the student, and then ends the
// stream before. It goes on trying until it succeeds or ctx ends: the pod that
// drains ends the old stream in time.
func (s *stay) move(ctx context.Context) {
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		next, err := s.open(ctx)
		if err == nil {
			old := s.feed.replace(next)

			s.journal.tell(s.id, "moved", nil)
			sleep(ctx, overlap)
			s.end(context.WithoutCancel(ctx), old)

			return
		}

		if ctx.Err() != nil {
			return
		}

		s.journal.tell(s.id, "moving", err)
		sleep(ctx, backoff)
	}
}

// end says goodbye to a stream and releases it. Its server should hear of it even
// if the student leaves: ctx outlives the stay's.
func (s *stay) end(ctx context.Context, old *stream) {
	if old == nil {
		return
	}

	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()

	old.stop()
	old.playing.Wait()

	if old.published != nil {
		// A session that the server has ended already is none to delete.
		_ = old.published.Delete(ctx, s.joined.Token)
	}

	if err := old.peer.Close(); err != nil {
		s.journal.tell(s.id, "closing", err)
	}
}

// vanish ends a stream without a word.
func (s *stream) vanish() {
	s.stop()
	s.playing.Wait()

	// Its parts fail to say goodbye, as they must.
	_ = s.peer.Vanish()
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
