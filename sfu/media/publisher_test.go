package media

import (
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/negotiate"
)

func newTestPublisher(t *testing.T, rids ...string) *Publisher {
	t.Helper()

	e := &Engine{options: DefaultOptions()}
	e.hub = newHub(e)

	return newPublisher(e, &negotiate.Video{PayloadType: 96, RIDs: rids})
}

func TestLayer(t *testing.T) {
	t.Parallel()

	now := time.Unix(1000, 0)

	// sent is what has come of a layer: how wide it is, and how long ago.
	type sent struct {
		width int
		ago   time.Duration
	}

	const never = -1

	for name, tc := range map[string]struct {
		first, second sent
		// The index of the layer for those who want low, and high; -1: none.
		low, high int
	}{
		"nothing yet":                 {sent{0, never}, sent{0, never}, -1, -1},
		"one is sent":                 {sent{320, 0}, sent{0, never}, 0, 0},
		"the other is sent":           {sent{0, never}, sent{640, 0}, 1, 1},
		"both":                        {sent{320, 0}, sent{640, 0}, 0, 1},
		"both, the high one first":    {sent{640, 0}, sent{320, 0}, 1, 0},
		"the second's size unknown":   {sent{320, 0}, sent{0, 0}, 0, 0},
		"the first's size unknown":    {sent{0, 0}, sent{640, 0}, 1, 1},
		"no size is known":            {sent{0, 0}, sent{0, 0}, 0, 0},
		"of one size":                 {sent{640, 0}, sent{640, 0}, 0, 0},
		"the high one has ended":      {sent{320, 0}, sent{640, activeFor}, 0, 0},
		"the high one is about to":    {sent{320, 0}, sent{640, activeFor - 1}, 0, 1},
		"the low one has ended":       {sent{320, activeFor}, sent{640, 0}, 1, 1},
		"both have ended":             {sent{320, activeFor}, sent{640, activeFor}, -1, -1},
		"the low one is a trickle":    {sent{320, time.Second}, sent{640, activeFor}, 0, 0},
		"ended, and the size unknown": {sent{0, activeFor}, sent{640, 0}, 1, 1},
	} {
		p := newTestPublisher(t, "a", "b")

		for i, s := range []sent{tc.first, tc.second} {
			if s.ago != never {
				p.layers[i].width, p.layers[i].packets, p.layers[i].receivedAt = s.width, 1, now.Add(-s.ago)
			}
		}

		index := func(wanted wire.Layer) int {
			got := p.layer(wanted, now)
			for i, s := range p.layers {
				if got == s {
					return i
				}
			}

			return -1
		}

		if low, high := index(wire.LayerLow), index(wire.LayerHigh); low != tc.low || high != tc.high {
			t.Errorf("%s: low %d and high %d, want %d and %d", name, low, high, tc.low, tc.high)
		}
	}
}

func TestLayerName(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		widths []int32
		want   []wire.Layer
	}{
		"alone":          {[]int32{640}, []wire.Layer{"low"}},
		"two":            {[]int32{320, 640}, []wire.Layer{"low", "high"}},
		"the other way":  {[]int32{640, 320}, []wire.Layer{"high", "low"}},
		"of one size":    {[]int32{640, 640}, []wire.Layer{"low", "low"}},
		"only one known": {[]int32{320, 0}, []wire.Layer{"low", "low"}},
	} {
		p := newTestPublisher(t, []string{"a", "b"}[:len(tc.widths)]...)
		for i, width := range tc.widths {
			p.layers[i].size.Store(width)
		}

		for i, want := range tc.want {
			if got := p.layers[i].name(); got != want {
				t.Errorf("%s: layer %d is %s, want %s", name, i, got, want)
			}
		}
	}
}

func TestFeedWanted(t *testing.T) {
	t.Parallel()

	low, high := &Slot{layer: wire.LayerLow}, &Slot{layer: wire.LayerHigh}
	lowPaused, highPaused := &Slot{layer: wire.LayerLow, paused: true}, &Slot{layer: wire.LayerHigh, paused: true}

	for name, tc := range map[string]struct {
		slots    []*Slot
		one, two wire.WantedMedia // of a publisher with so many layers
	}{
		"nobody":          {nil, wire.WantedTrickle, wire.WantedTrickle},
		"low":             {[]*Slot{low}, wire.WantedLow, wire.WantedLow},
		"high":            {[]*Slot{high}, wire.WantedLow, wire.WantedHigh},
		"both":            {[]*Slot{low, high, low}, wire.WantedLow, wire.WantedHigh},
		"paused":          {[]*Slot{lowPaused, highPaused}, wire.WantedTrickle, wire.WantedTrickle},
		"high one paused": {[]*Slot{highPaused, low}, wire.WantedLow, wire.WantedLow},
	} {
		one := &feed{publisher: newTestPublisher(t), slots: tc.slots}
		two := &feed{publisher: newTestPublisher(t, "a", "b"), slots: tc.slots}

		if one, two := one.wanted(), two.wanted(); one != tc.one || two != tc.two {
			t.Errorf("%s: %s and, of two layers, %s, want %s and %s", name, one, two, tc.one, tc.two)
		}
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()

	const bitrate = 80_000 // 10 kB/s, and so 20 kB at once

	b := newBucket(bitrate)
	start := time.Unix(1000, 0)

	for i, step := range []struct {
		at   time.Duration
		n    int
		want bool
	}{
		{0, 20_000, true},                     // it begins full
		{0, 1, false},                         // and is empty
		{100 * time.Millisecond, 1001, false}, // what does not fit
		{100 * time.Millisecond, 1000, true},  // takes nothing from what does
		{50 * time.Millisecond, 1, false},     // a clock that goes back gives nothing
		{1100 * time.Millisecond, 10_000, true},
		{time.Hour, 20_001, false}, // it never holds more than its depth
		{time.Hour, 20_000, true},
		{time.Hour + 2*time.Second, 19_999, true},
		{time.Hour + 2*time.Second, 2, false},
		{time.Hour + 2*time.Second, 1, true},
		{time.Hour + 2*time.Second, 0, true}, // nothing is always within
		{time.Hour + 2500*time.Millisecond, 5001, false},
	} {
		if got := b.take(step.n, start.Add(step.at)); got != step.want {
			t.Errorf("step %d: %d bytes after %v: %v", i, step.n, step.at, got)
		}
	}
}
