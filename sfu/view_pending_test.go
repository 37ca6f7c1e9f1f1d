package sfu_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// TestAssignBeforePublish: a slot waits for its student, and the student is asked
// for what viewers want from the first moment.
func TestAssignBeforePublish(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	v := p.view("vera", 2)
	v.assign(0, "ada", "")
	v.shows(0, "pending ada NotPublishing")

	p.plain("ada")
	v.shows(0, "playing ada low")
	v.flows(0, 10)

	if got := p.stream("ada").Wanted; got != wire.WantedLow {
		t.Errorf("wanted = %q", got)
	}

	if got := v.got(1); len(got) > 0 {
		t.Errorf("%d packets in a free slot", len(got))
	}
}

// TestLeavingIsTold: a slot says why its student went, and goes on by itself
// with the next session.
func TestLeavingIsTold(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) { o.timing.Silence = 100 * time.Millisecond })
	v := p.view("vera", 3)
	v.assign(0, "ada", "")

	// A paused slot is told when it goes on.
	v.assign(1, "ada", "")
	v.command("pause", 1)
	v.shows(1, "paused ada")

	var last *broadcaster

	for _, tc := range []struct {
		reason string
		leave  func()
	}{
		{"Deleted", func() { p.do(http.MethodDelete, last.location, p.grant("ada"), "") }},
		{"DtlsClosed", func() { last.leave(t) }},
		{"IceFailed", func() { must(t, last.mux.Close()) }},
		// The new one is accepted before it is connected.
		{"TakenOver", func() { p.post("ada", p.offer()) }},
	} {
		last = p.plain("ada")
		v.shows(0, "playing ada low")
		v.flows(0, 5)

		tc.leave()
		v.shows(0, "pending ada "+tc.reason)
		v.shows(1, "paused ada")
		v.command("resume", 1)
		v.shows(1, "pending ada "+tc.reason)
		v.command("pause", 1)

		// Who comes later is told as well.
		v.assign(2, "ada", "")
		v.shows(2, "pending ada "+tc.reason)
		v.command("release", 2)
		v.shows(2, "free")
	}

	// It holds when nobody watched.
	last = p.plain("ada")
	v.shows(0, "playing ada low")
	v.command("release", 0)
	v.command("release", 1)
	last.leave(t)
	p.eventually("ada is gone", 5*time.Second, func() bool { return p.stream("ada") == nil })
	v.assign(0, "ada", "")
	v.shows(0, "pending ada DtlsClosed")
}

// TestFirstPicture: to a running stream there is a picture at once, and the
// student is not asked.
func TestFirstPicture(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	camera := smallFrames(newFeed(t, "", 'a', 640, 360))
	p.broadcast("ada", camera)
	v := p.view("vera", 1)

	// A few frames after a key frame.
	sent := camera.sent.Load()
	camera.slow.Store(true)
	camera.wanted.Store(true)
	p.eventually("a key frame is sent", 5*time.Second, func() bool { return camera.sent.Load() > sent })
	p.eventually("and has come", 5*time.Second, func() bool {
		return p.keyFrame("ada", "?maxAgeMs=60000").status == http.StatusOK
	})

	asked, began := camera.asked.Load(), time.Now()

	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")
	v.flows(0, 12) // a key frame, and more

	got := v.got(0)
	if !isKeyStart(got[0]) || got[0].at.Sub(began) > time.Second {
		t.Errorf("the first packet, after %v, is % x", got[0].at.Sub(began), got[0].Payload[:10])
	}

	if now := camera.asked.Load(); now != asked {
		t.Errorf("ada was asked %d times", now-asked)
	}
}

// TestNoPictureYet: without a key frame a slot waits, and the student is asked
// every 500 ms until there is one.
func TestNoPictureYet(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	camera := newFeed(t, "", 'a', 640, 360)
	camera.deaf.Store(true)
	p.broadcast("ada", camera)
	p.eventually("media arrives", 5*time.Second, func() bool { return p.receiving("ada") })

	v := p.view("vera", 1)
	v.assign(0, "ada", "")
	v.shows(0, "pending ada NoKeyFrame")

	asked, began := camera.asked.Load(), time.Now()
	p.eventually("she is asked", 5*time.Second, func() bool { return camera.asked.Load() >= asked+3 })

	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("three times within %v", took)
	}

	if got := v.got(0); len(got) > 0 {
		t.Errorf("%d packets that nobody can decode", len(got))
	}

	camera.deaf.Store(false)
	v.shows(0, "playing ada low")
	v.flows(0, 5)

	if got := v.got(0)[0]; !isKeyStart(got) {
		t.Errorf("the first packet is % x", got.Payload[:10])
	}
}

// TestAssignBeforeConnected: who assigns at once gets the first picture all the
// same. WHEP always does.
func TestAssignBeforeConnected(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	p.broadcast("ada", smallFrames(newFeed(t, "", 'a', 640, 360)))
	p.eventually("a key frame has come", 5*time.Second, func() bool {
		return p.keyFrame("ada", "?maxAgeMs=60000").status == http.StatusOK
	})

	v := p.viewUnconnected("vera", newReceiver(t, 1, true))

	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")
	v.flows(0, 20)

	if got := v.got(0)[0]; !isKeyStart(got) {
		t.Errorf("the first packet is % x", got.Payload[:10])
	}
}

// TestSourceChanges: a publisher that goes on with another SSRC is shown from its
// next key frame on.
func TestSourceChanges(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	v := p.view("vera", 1)
	v.assign(0, "ada", "")

	ada := p.plain("ada")
	v.shows(0, "playing ada low")
	v.flows(0, 10)

	shown := len(v.got(0))
	ada.feeds[0].track.ssrc.Store(0xada)
	p.eventually("the old one's are through", 5*time.Second, func() bool {
		before := len(v.got(0))
		p.streams("")

		return len(v.got(0)) == before && before >= shown
	})
	ada.feeds[0].wanted.Store(true)
	v.flows(0, 30)
	checkContinuous(t, v.complete(t, 0))
}
