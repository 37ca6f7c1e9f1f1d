package splice_test

import (
	"testing"
	"time"
)

func TestCachedFramesAreCompressed(t *testing.T) {
	for name, tc := range map[string]struct {
		pause time.Duration
		ahead int // ticks of the newest, of wall-clock time
	}{
		"no time":     {0, 29*90 + 1},
		"some time":   {20 * time.Millisecond, 29*90 + 1 - 1800},
		"enough time": {time.Second, 0},
	} {
		v, a, b := newViewer(t), plain(1, 10), plain(2, 65530)
		key := a.frame(true, 1, 0)
		v.begin(1, key)
		before := v.write(key)[0].Timestamp

		cached := [][][]byte{b.frame(true, 4, 0)}
		for range 29 {
			cached = append(cached, b.frame(false, 1, 6000))
		}

		v.now = v.now.Add(tc.pause)
		v.begin(2, cached...)

		packets := v.write(cached...)
		for i, packet := range packets[1:] {
			want := uint32(90)
			if i < 3 {
				want = 0 // packets of the key frame
			}

			if step := packet.Timestamp - packets[i].Timestamp; step != want {
				t.Errorf("%s: packet %d, %d ticks after the one before", name, i+1, step)
			}
		}

		newest := packets[len(packets)-1].Timestamp
		if got := int(newest-before) - int(tc.pause.Milliseconds()*90); got != tc.ahead {
			t.Errorf("%s: newest %d ticks ahead", name, got)
		}

		if live := v.write(b.frame(false, 1, 6000))[0].Timestamp; live != newest+6000 {
			t.Errorf("%s: live %d ticks after the newest", name, live-newest)
		}
	}
}

func TestCloseFramesStayApart(t *testing.T) {
	v, c := newViewer(t), plain(1, 10)
	cached := [][][]byte{c.frame(true, 1, 0)}

	for _, ticks := range []uint32{6000, 1, 6000, 2, 300000, 1} {
		cached = append(cached, c.frame(false, 1, ticks))
	}

	v.begin(1, cached...)

	packets := v.write(cached...)
	for i, packet := range packets[1:] {
		if step := int32(packet.Timestamp - packets[i].Timestamp); step <= 0 {
			t.Errorf("frame %d: %d ticks after the one before", i+1, step)
		}
	}
}

func TestBeginRefuses(t *testing.T) {
	c, other := plain(1, 10), plain(2, 12)
	key, delta, more := c.frame(true, 2, 0), c.frame(false, 1, 3000), c.frame(false, 1, 3000)
	far, foreign := plain(1, 12), other.frame(false, 1, 3000)

	for name, frames := range map[string][][][]byte{
		"nothing":                {},
		"no key frame":           {delta, more},
		"the middle of one":      {key[1:], delta},
		"a gap":                  {key, more},
		"the wrong order":        {key, more, delta},
		"one twice":              {key, key},
		"another stream":         {key, foreign},
		"time that goes back":    {key, far.frame(false, 1, 1<<32-1)},
		"time that leaps":        {key, plain(1, 12).frame(false, 1, 900001)},
		"what is no packet":      {key, {{1, 2, 3}}},
		"a cut-off descriptor":   {key, {c.send([]byte{0x90}, true)}},
		"padding, and then none": {{c.padding()}},
	} {
		v, a := newViewer(t), plain(7, 5)
		before := a.frame(true, 1, 0)
		v.begin(7, before)
		v.write(before)

		if v.out.Begin(1, all(frames...), v.now) {
			t.Errorf("%s: begun", name)
		}

		if _, ok := v.try(a.frame(false, 1, 3000)[0]); !ok {
			t.Errorf("%s: the source before does not go on", name)
		}
	}
}
