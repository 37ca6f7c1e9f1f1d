package sfu_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// lastMark is whose packet came last in a slot, of those that end frames.
func lastMark(v *viewer, slot int) byte {
	got := v.got(slot)
	for _, r := range slices.Backward(got) {
		if r.Marker {
			return r.Payload[len(r.Payload)-1]
		}
	}

	return 0
}

// TestLayers: a slot changes to the high layer at its key frame, the low one goes
// on until then, and comes back when the high one ends.
func TestLayers(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	low, high := smallFrames(newFeed(t, "l", 'l', 320, 180)), newFeed(t, "h", 'h', 640, 360)
	high.off.Store(true)
	high.deaf.Store(true)
	p.broadcast("ada", low, high)

	v := p.view("vera", 2)
	v.assign(0, "ada", "")
	v.assign(1, "ada", wire.LayerHigh)
	// There is no high one yet.
	v.shows(0, "playing ada low")
	v.shows(1, "playing ada low")

	// It comes, and has no key frame: the low one goes on.
	high.off.Store(false)
	p.eventually("the high layer is asked for a key frame", 5*time.Second, func() bool { return high.asked.Load() > 0 })
	v.flows(1, 5)

	if got := lastMark(v, 1); got != 'l' {
		t.Errorf("slot 1 gets %c", got)
	}

	// A change of mind while it is waited for costs nothing.
	before, sent := keyFrames(t, v, 0), low.sent.Load()

	v.layer(0, wire.LayerHigh)
	v.flows(0, 5)
	v.layer(0, wire.LayerLow)
	v.flows(0, 5)

	if got := keyFrames(t, v, 0) - before; got > int(low.sent.Load()-sent) {
		t.Errorf("%d key frames again", got)
	}

	high.deaf.Store(false)
	v.shows(1, "playing ada high")
	p.eventually("the high layer", 5*time.Second, func() bool { return lastMark(v, 1) == 'h' })

	// It ends.
	began := time.Now()

	high.off.Store(true)
	v.shows(1, "playing ada low")

	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("low again after %v", took)
	}

	v.flows(1, 5)

	for slot, want := range []string{"l", "lhl"} {
		var marks []byte
		for _, f := range checkContinuous(t, v.complete(t, slot)) {
			if len(marks) == 0 || marks[len(marks)-1] != f.mark {
				marks = append(marks, f.mark)
			}
		}

		if string(marks) != want {
			t.Errorf("slot %d showed %s, want %s", slot, marks, want)
		}
	}

}

// keyFrames counts those that have come in a slot.
func keyFrames(t *testing.T, v *viewer, slot int) (n int) {
	t.Helper()

	for _, f := range checkContinuous(t, v.complete(t, slot)) {
		if f.key {
			n++
		}
	}

	return n
}

// TestStill: where the last key frame is too long ago to send what follows it, it
// is shown alone, and the stream goes on with its next one.
func TestStill(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	// Small, so that the ring still has the key frame.
	camera := smallFrames(newFeed(t, "", 'a', 640, 360))
	p.broadcast("ada", camera)
	p.eventually("a key frame has come", 5*time.Second, func() bool {
		return p.keyFrame("ada", "?maxAgeMs=60000").status == http.StatusOK
	})
	camera.deaf.Store(true)

	before := p.stream("ada").Packets
	p.eventually("the key frame is long ago", 20*time.Second, func() bool { return p.stream("ada").Packets > before+90 })

	v := p.view("vera", 1)
	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")
	p.eventually("there is a picture", 5*time.Second, func() bool { return len(v.got(0)) > 0 })

	asked := camera.asked.Load()
	p.eventually("she is asked for another", 5*time.Second, func() bool { return camera.asked.Load() > asked })

	if frames := checkContinuous(t, v.complete(t, 0)); len(frames) != 1 {
		t.Errorf("%d frames", len(frames))
	}

	camera.deaf.Store(false)
	v.flows(0, 20)

	if got := keyFrames(t, v, 0); got != 2 {
		t.Errorf("%d key frames", got)
	}
}

// TestLowIsLow: whatever the order of the layers, and whichever comes first, who
// wants the low one is never shown the other.
func TestLowIsLow(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	high, low := newFeed(t, "h", 'h', 640, 360), newFeed(t, "l", 'l', 320, 180)
	high.off.Store(true)
	p.broadcast("ada", high, low)

	v := p.view("vera", 1)
	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")

	// The first packets of the high layer are of no size.
	high.deaf.Store(true)
	high.off.Store(false)
	v.flows(0, 40)
	high.deaf.Store(false)
	high.wanted.Store(true)
	v.flows(0, 40)

	for _, f := range checkContinuous(t, v.complete(t, 0)) {
		if f.mark != 'l' {
			t.Fatalf("a frame of %c", f.mark)
		}
	}

	for _, event := range v.history(0) {
		if strings.HasSuffix(event, "high") {
			t.Errorf("told of %q", v.history(0))
		}
	}
}

// TestWanted: more is asked of a student at once, less after 3 s, and whoever
// waits for the streams' next version is woken.
func TestWanted(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	p.broadcast("ada", newFeed(t, "l", 'l', 320, 180), newFeed(t, "h", 'h', 640, 360))
	p.plain("bob")
	p.eventually("both send", 5*time.Second, func() bool { return p.receiving("ada") && p.receiving("bob") })

	v := p.view("vera", 2)
	// becomes waits for the next version in which the student is wanted so.
	becomes := func(student string, want wire.WantedMedia, change func()) time.Duration {
		t.Helper()

		var (
			now     = p.streams("")
			began   = time.Now()
			changed bool
		)

		for time.Since(began) < 15*time.Second {
			for _, s := range now.Streams {
				if s.Student == student && s.Wanted == want && changed {
					return time.Since(began)
				}
			}

			if !changed {
				change()

				changed = true
			}

			now = p.streams("?wait=10&since=" + now.Version)
		}

		t.Fatalf("%s: not %s but %+v", student, want, now)

		return 0
	}
	atOnce := func(student string, want wire.WantedMedia, change func()) {
		t.Helper()

		if took := becomes(student, want, change); took > 2*time.Second {
			t.Errorf("%s is wanted %s after %v", student, want, took)
		}
	}
	later := func(student string, want wire.WantedMedia, change func()) {
		t.Helper()

		if took := becomes(student, want, change); took < 2900*time.Millisecond || took > 8*time.Second {
			t.Errorf("%s is wanted %s after %v", student, want, took)
		}
	}

	if got := p.stream("ada").Wanted; got != wire.WantedTrickle {
		t.Errorf("wanted = %s", got)
	}

	atOnce("ada", wire.WantedLow, func() { v.assign(0, "ada", "") })
	atOnce("ada", wire.WantedHigh, func() { v.layer(0, wire.LayerHigh) })
	later("ada", wire.WantedLow, func() { v.layer(0, wire.LayerLow) })
	// Two viewers: the one who wants most counts, and a pause is no wish.
	atOnce("ada", wire.WantedHigh, func() { v.assign(1, "ada", wire.LayerHigh) })
	later("ada", wire.WantedLow, func() { v.command("pause", 1) })
	later("ada", wire.WantedTrickle, func() { v.command("pause", 0) })
	atOnce("ada", wire.WantedHigh, func() { v.command("resume", 1) })
	// Of one layer there is no high one.
	atOnce("bob", wire.WantedLow, func() { v.assign(0, "bob", wire.LayerHigh) })
	later("ada", wire.WantedTrickle, func() { v.command("release", 1) })
	later("bob", wire.WantedTrickle, v.close)
}
