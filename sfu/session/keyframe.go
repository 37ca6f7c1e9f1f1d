package session

import (
	"context"
	"fmt"
	"time"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
)

// askInterval is how often a publisher is asked for a key frame that somebody
// waits for, however many wait: requests get lost.
const askInterval = 500 * time.Millisecond

// KeyFrame returns the student's last key frame if it is at most maxAge old, and
// otherwise asks for one and waits for it. Errors: ErrNotFound if the student
// does not publish, or no longer does, and ctx's.
func (t *Table) KeyFrame(ctx context.Context, student string, maxAge time.Duration) (*keyframe.Frame, error) {
	oldest := time.Now().Add(-maxAge)

	s, connection, err := t.connection(student)
	if err != nil {
		return nil, err
	}

	repeat := time.NewTicker(askInterval)
	defer repeat.Stop()

	for asked := false; ; asked = true {
		frame, next := connection.KeyFrame()
		if frame != nil && !frame.At.Before(oldest) {
			return frame, nil
		}

		if !asked {
			t.askKeyFrame(s, connection)
		}

		select {
		case <-next:
		case <-repeat.C:
			t.askKeyFrame(s, connection)
		case <-s.ending:
			return nil, ErrNotFound
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a key frame: %w", context.Cause(ctx))
		}
	}
}

func (t *Table) connection(student string) (*session, conn.Publisher, error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	s := t.byStudent[student]
	if s == nil || s.state != Connected {
		return nil, nil, ErrNotFound
	}

	return s, s.connection, nil
}

func (t *Table) askKeyFrame(s *session, connection conn.Publisher) {
	now := time.Now()

	t.mu.Lock()
	asked := now.Sub(s.askedAt) < askInterval

	if !asked {
		s.askedAt = now
	}
	t.mu.Unlock()

	if !asked {
		connection.RequestKeyFrame()
	}
}

// Sample looks at the streams' key frames, one at a time and as rarely as Timing
// says, until ctx ends.
func (t *Table) Sample(ctx context.Context) {
	if t.timing.SampleInterval <= 0 || t.timing.SampleShare <= 0 {
		return
	}

	for {
		pause := lookInterval

		if s, frame := t.nextToSample(time.Now()); s != nil {
			began := time.Now()
			t.sample(s, frame)
			// Where other work holds this up, it pauses for longer still.
			took := time.Since(began)
			pause = time.Duration(float64(took)/t.timing.SampleShare) - took
		}

		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// nextToSample returns the stream whose last sample is the oldest, if it is old
// enough and there is a newer key frame.
func (t *Table) nextToSample(now time.Time) (next *session, frame *keyframe.Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()

	for _, s := range t.byID {
		if s.state != Connected || now.Sub(s.sampledAt) < t.timing.SampleInterval {
			continue
		}

		if next != nil && !s.sampledAt.Before(next.sampledAt) {
			continue
		}

		if latest, _ := s.connection.KeyFrame(); latest != nil && latest.At.After(s.sampledAt) {
			next, frame = s, latest
		}
	}

	return next, frame
}

func (t *Table) sample(s *session, frame *keyframe.Frame) {
	t.mu.Lock()
	before := s.sample
	t.mu.Unlock()

	var sample *keyframe.Sample
	if picture, err := keyframe.Decode(frame.Data); err == nil {
		sample = keyframe.Measure(picture, frame.At, before)
	}

	t.mu.Lock()
	defer t.mu.Unlock()

	s.sample, s.sampledAt = sample, frame.At
}
