package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/token"
)

const (
	// handshakes at the same time: more would only wait for each other.
	handshakes     = 8
	connectTimeout = 30 * time.Second
	leaveTimeout   = 5 * time.Second
)

// crowd is simulated students who publish to the pods directly: what a wall needs
// many of. Scoring knows those of them who are in exam.json.
type crowd struct {
	exam *exam

	mu      sync.Mutex
	present map[string]*student
}

// student is one of them. Its picture runs until stop, and has ended with ended.
type student struct {
	pod       pod
	peer      *client.Peer
	published *client.Publication
	stop      context.CancelFunc
	ended     chan struct{}
}

func newCrowd(e *exam) *crowd { return &crowd{exam: e, present: map[string]*student{}} }

// joining is what join reads.
type joining struct {
	// Clip is an IVF file of VP8. Each student loops one of its picture groups, which
	// go from one key frame to the next.
	Clip     string `json:"clip"`
	FPS      int    `json:"fps"`
	Students []struct {
		ID    string `json:"id"`
		Group int    `json:"group"`
		// Shard that the student publishes to; "": the first.
		Shard string `json:"shard"`
	} `json:"students"`
}

// join has students publish, and returns once all are connected.
func (c *crowd) join(ctx context.Context, data []byte) error {
	var who joining
	if err := json.Unmarshal(data, &who); err != nil {
		return fmt.Errorf("read students: %w", err)
	}

	groups, err := pictureGroups(who.Clip)
	if err != nil {
		return err
	}

	if who.FPS < 1 {
		return errors.New("no frames a second")
	}

	var (
		wait  sync.WaitGroup
		room  = make(chan struct{}, handshakes)
		errs  = make([]error, len(who.Students))
		pause = time.Second / time.Duration(who.FPS)
	)

	for i, one := range who.Students {
		if one.Group < 0 || one.Group >= len(groups) {
			errs[i] = fmt.Errorf("%s: there are %d picture groups", one.ID, len(groups))

			continue
		}

		pod, err := c.exam.podOf(one.Shard)
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", one.ID, err)

			continue
		}

		wait.Go(func() {
			room <- struct{}{}

			defer func() { <-room }()

			errs[i] = c.publish(ctx, one.ID, pod, groups[one.Group], pause)
		})
	}

	wait.Wait()

	return errors.Join(errs...)
}

func (c *crowd) publish(ctx context.Context, id string, to pod, frames [][]byte, interval time.Duration) error {
	grant, err := c.exam.grant(token.Media, id, to)
	if err != nil {
		return err
	}

	peer, err := client.NewPeer()
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}

	connected := make(chan struct{}, 1)
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			connected <- struct{}{}
		}
	})

	waiting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()

	published, err := client.Publish(waiting, http.DefaultClient, "http://"+to.httpAddr+"/whip", grant, peer)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", id, err), peer.Close())
	}

	select {
	case <-connected:
	case <-waiting.Done():
		return errors.Join(fmt.Errorf("%s: no media connection", id), peer.Close())
	}

	playing, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &student{pod: to, peer: peer, published: published, stop: stop, ended: make(chan struct{})}

	c.mu.Lock()
	c.present[id] = s
	c.mu.Unlock()

	go s.play(playing, frames, interval)

	return nil
}

// play loops the frames, from the key frame whenever one is asked for.
func (s *student) play(ctx context.Context, frames [][]byte, interval time.Duration) {
	defer close(s.ended)

	// Cameras are not in step.
	began := time.NewTimer(rand.N(interval)) //nolint:gosec // no secret
	defer began.Stop()

	select {
	case <-began.C:
	case <-ctx.Done():
		return
	}

	ticker := time.NewTicker(interval)
	defer ticker.Stop()

	for next := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.peer.KeyFrameRequests():
			next = 0

			continue
		case <-ticker.C:
		}

		if err := s.peer.WriteSample(media.Sample{Data: frames[next], Duration: interval}); err != nil {
			return // it is gone, which the test sees
		}

		next = (next + 1) % len(frames)
	}
}

// leave has a student leave as a closed tab does.
func (c *crowd) leave(ctx context.Context, id string) error {
	c.mu.Lock()
	s := c.present[id]
	delete(c.present, id)
	c.mu.Unlock()

	if s == nil {
		return fmt.Errorf("no student %q", id)
	}

	s.stop()
	<-s.ended

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()

	// The one that it came with may be too old by now.
	grant, err := c.exam.grant(token.Media, id, s.pod)

	return errors.Join(err, s.published.Delete(ctx, grant), s.peer.Close())
}

// close ends all who are left, without a word to the SFU.
func (c *crowd) close() {
	c.mu.Lock()
	defer c.mu.Unlock()

	var wait sync.WaitGroup

	for _, s := range c.present {
		wait.Go(func() {
			s.stop()
			<-s.ended

			_ = s.peer.Close() // the process ends next
		})
	}

	wait.Wait()
}
