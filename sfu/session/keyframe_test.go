package session_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/session"
)

// TestKeyFrame runs on the test's own clock.
func TestKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newTable(t, quick())

		if _, err := table.KeyFrame(t.Context(), "ada", time.Minute); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}

		accepted, ada := table.publish(t, "ada")

		if _, err := table.KeyFrame(t.Context(), "ada", time.Minute); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("not connected: %v", err)
		}

		ada.set(conn.Connected)
		synctest.Wait()

		// Nothing comes: asked at once, and every half second again.
		ctx, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
		defer cancel()

		if _, err := table.KeyFrame(ctx, "ada", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing: %v", err)
		}

		if got := ada.keyFrames.Swap(0); got != 4 {
			t.Errorf("asked %d times", got)
		}

		// One that is young enough needs no request.
		first := &keyframe.Frame{At: time.Now()}
		ada.latest.Put(first)
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bubble's clock

		if got, err := table.KeyFrame(t.Context(), "ada", 2*time.Second); got != first || err != nil {
			t.Errorf("young enough: %v, %v", got, err)
		}

		if got := ada.keyFrames.Load(); got != 0 {
			t.Errorf("asked %d times", got)
		}

		// Many wait for one that is younger: one request for all of them.
		var waiting sync.WaitGroup

		second := &keyframe.Frame{At: time.Now()}

		for range 10 {
			waiting.Go(func() {
				if got, err := table.KeyFrame(t.Context(), "ada", 2*time.Second-1); got != second || err != nil {
					t.Errorf("a younger one: %v, %v", got, err)
				}
			})
		}

		synctest.Wait()

		if got := ada.keyFrames.Swap(0); got != 1 {
			t.Errorf("asked %d times", got)
		}

		ada.latest.Put(second)
		waiting.Wait()

		time.Sleep(time.Millisecond) //nolint:forbidigo // the bubble's clock

		// The session's end ends the wait.
		waiting.Go(func() {
			if _, err := table.KeyFrame(t.Context(), "ada", 0); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("it ended: %v", err)
			}
		})
		synctest.Wait()

		if err := table.Delete(t.Context(), accepted.ID); err != nil {
			t.Error(err)
		}

		waiting.Wait()
	})
}

// TestSample: a stream is looked at once per interval, if it has a newer frame,
// and what cannot be decoded is not known.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timing := quick()
		timing.SampleInterval, timing.SampleShare = 10*time.Second, .5
		table := newTable(t, timing)
		ctx, cancel := context.WithCancel(t.Context())

		var sampling sync.WaitGroup

		sampling.Go(func() { table.Sample(ctx) })
		defer sampling.Wait()
		defer cancel()

		_, ada := table.publish(t, "ada")
		ada.set(conn.Connected)

		sample := func(wait time.Duration, frame *keyframe.Frame) *keyframe.Sample {
			ada.packets.Add(1) // for Receiving

			if frame != nil {
				ada.latest.Put(frame)
			}

			time.Sleep(wait) //nolint:forbidigo // the bubble's clock

			_, streams := table.Streams()

			return streams[0].Sample
		}
		black := func() *keyframe.Frame { return &keyframe.Frame{Data: blackKeyFrame(t), At: time.Now()} }

		if got := sample(time.Second, nil); got != nil {
			t.Errorf("without a frame: %+v", got)
		}

		first := sample(time.Second, black())
		if first == nil || first.Luminance > 2 || first.Still() != 0 {
			t.Fatalf("black: %+v", first)
		}

		if got := sample(5*time.Second, black()); got != first {
			t.Errorf("too early: %+v", got)
		}

		if got := sample(6*time.Second, black()); got == first || got.Still() < 5*time.Second {
			t.Errorf("black again: still for %v", got.Still())
		}

		if got := sample(11*time.Second, &keyframe.Frame{Data: []byte("no frame"), At: time.Now()}); got != nil {
			t.Errorf("corrupt: %+v", got)
		}
	})
}

func blackKeyFrame(t *testing.T) []byte {
	t.Helper()

	file, err := os.Open("../../hack/lab/client/black.ivf")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	reader, _, err := ivfreader.NewWith(file)
	if err != nil {
		t.Fatal(err)
	}

	frame, _, err := reader.ParseNextFrame()
	if err != nil {
		t.Fatal(err)
	}

	return frame
}
