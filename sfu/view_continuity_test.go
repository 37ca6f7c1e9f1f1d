package sfu_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/invigil/invigil/internal/wire"
)

// TestOneStream: whatever a slot shows, its decoder gets one stream.
func TestOneStream(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	p.broadcast("ada", newFeed(t, "l", 'a', 320, 180), newFeed(t, "h", 'A', 640, 360))
	p.plain("bob")
	p.eventually("both send", 5*time.Second, func() bool { return p.receiving("ada") && p.receiving("bob") })

	v := p.view("vera", 2)
	until := func(slot int, mark byte) {
		t.Helper()
		v.flows(slot, 12)
		p.eventually("frames of "+string(mark), 10*time.Second, func() bool {
			got := v.got(slot)
			last := got[len(got)-1]

			return last.Marker && last.Payload[len(last.Payload)-1] == mark
		})
	}

	v.assign(1, "bob", "")
	v.assign(0, "ada", "")
	until(0, 'a')
	v.assign(0, "bob", "")
	until(0, 'b')
	v.assign(0, "ada", "")
	until(0, 'a')
	v.command("pause", 0)
	v.shows(0, "paused ada")

	// Paused means that nothing comes: what was under way arrives before what is
	// sent later in the other slot.
	until(1, 'b')

	paused := len(v.got(0))

	v.flows(1, 20)

	if got := len(v.got(0)); got != paused {
		t.Errorf("%d packets while paused", got-paused)
	}

	v.command("resume", 0)
	until(0, 'a')
	v.layer(0, wire.LayerHigh)
	until(0, 'A')
	v.layer(0, wire.LayerLow)
	until(0, 'a')
	v.assign(0, "bob", wire.LayerHigh)
	until(0, 'b')
	v.command("release", 0)
	v.shows(0, "free")

	var marks []byte

	for _, f := range checkContinuous(t, v.complete(t, 0)) {
		if len(marks) == 0 || marks[len(marks)-1] != f.mark {
			marks = append(marks, f.mark)
		}
	}

	if string(marks) != "abaAab" {
		t.Errorf("showed %s", marks)
	}

	// The other slot never changed.
	if frames := checkContinuous(t, v.complete(t, 1)); slices.ContainsFunc(frames, func(f frame) bool { return f.mark != 'b' }) {
		t.Error("the other slot showed somebody else")
	}
}

// TestRefresh: a decoder that is lost gets a key frame from the cache, at most
// every 500 ms, and the student is not asked while the cache will do.
func TestRefresh(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	camera := smallFrames(newFeed(t, "", 'a', 640, 360))
	p.broadcast("ada", camera)

	v := p.view("vera", 1)
	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")
	v.flows(0, 30)

	ssrc := v.got(0)[0].SSRC
	ask := func() {
		v.feedback(t, &rtcp.PictureLossIndication{MediaSSRC: ssrc})
		v.feedback(t, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: 1}}})
	}

	// Just after a key frame of the student's.
	before, sent := keyFrames(t, v, 0), camera.sent.Load()

	camera.slow.Store(true)
	camera.wanted.Store(true)
	p.eventually("it comes", 5*time.Second, func() bool { return keyFrames(t, v, 0) > before })

	asked := camera.asked.Load()

	ask()
	p.eventually("it comes again", 5*time.Second, func() bool { return keyFrames(t, v, 0) > before+1 })

	if got := camera.asked.Load(); got != asked || camera.sent.Load() != sent+1 {
		t.Errorf("ada was asked %d times", got-asked)
	}

	// From now on as often as it may.
	camera.slow.Store(false)

	before, sent = keyFrames(t, v, 0), camera.sent.Load()
	began := time.Now()

	for time.Since(began) < 1700*time.Millisecond {
		ask()
		<-time.After(20 * time.Millisecond)
	}

	took := time.Since(began)

	v.flows(0, 10)

	most := int(took/(500*time.Millisecond)) + 1 + int(camera.sent.Load()-sent)
	if got := keyFrames(t, v, 0) - before; got < 2 || got > most {
		t.Errorf("%d key frames within %v, at most %d", got, took, most)
	}
}
