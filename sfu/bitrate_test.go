package sfu_test

import (
	"testing"
	"time"

	"github.com/invigil/invigil/sfu"
)

// TestBitrate: who sends too much loses what is too much, and nobody else does.
func TestBitrate(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) { o.more = func(c *sfu.Config) { c.Media.MaxBitrate = 2_000_000 } })
	greedy := newFeed(t, "", 'a', 640, 360)
	p.broadcast("ada", greedy)
	p.plain("bob")

	v := p.view("vera", 1)
	v.assign(0, "bob", "")
	v.shows(0, "playing bob low")
	v.flows(0, 10)

	if p.stream("ada").Limited || p.count(`invigil_sfu_drops_total{reason="bitrate"}`) != 0 {
		t.Error("limited, and nothing is too much")
	}

	version := p.streams("").Version
	began := time.Now()

	greedy.padding.Store(40_000) // 6.4 Mbit/s
	p.eventually("she is limited", 10*time.Second, func() bool { return p.stream("ada").Limited })
	p.eventually("packets are dropped", 5*time.Second, func() bool {
		return p.count(`invigil_sfu_drops_total{reason="bitrate"}`) > 100
	})

	if p.streams("").Version == version {
		t.Error("no new version")
	}

	before, at := p.stream("ada").Bytes, time.Now()

	v.flows(0, 60)

	// Two seconds' worth may come at once.
	if bytes, most := p.stream("ada").Bytes-before, 2_000_000/8*(time.Since(at).Seconds()+.5); float64(bytes) > most {
		t.Errorf("%d bytes within %v", bytes, time.Since(at))
	}

	greedy.padding.Store(0)
	p.eventually("she is limited no more", 15*time.Second, func() bool { return !p.stream("ada").Limited })
	t.Logf("limited for %v", time.Since(began))

	if !p.receiving("ada") || p.stream("bob").Limited {
		t.Errorf("streams = %+v", p.streams(""))
	}

	checkContinuous(t, v.complete(t, 0))

	// And can be watched again.
	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")
	v.flows(0, 10)
	checkContinuous(t, v.complete(t, 0))
}
