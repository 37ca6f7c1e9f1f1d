package ring_test

import (
	"testing"

	"github.com/invigil/invigil/sfu/ring"
)

const budget = 128 << 10

func TestKeepsWhatFits(t *testing.T) {
	c := newChecker(t, budget)
	for i := range 400 {
		if !c.put(uint16(65400+i), 1030, i%135 == 0) {
			t.Fatalf("%d refused", i)
		}
	}

	c.check()

	kept := 0
	for i := range 400 {
		if c.ring.Get(uint16(65400+i)) != nil {
			kept++
		}
	}

	// 45 packets per second.
	if t.Logf("%d packets, %.1f s", kept, float64(kept)/45); kept < budget/1034-1 {
		t.Errorf("%d packets kept", kept)
	}
}

func TestCostsNothingBeforeItIsNeeded(t *testing.T) {
	c := newChecker(t, budget)
	if got := c.ring.Bytes(); got != 0 {
		t.Errorf("%d bytes before the first packet", got)
	}

	c.put(1, 100, true)

	if got := c.ring.Bytes(); got > 8<<10 {
		t.Errorf("%d bytes for one packet", got)
	}

	for i := range uint16(2000) {
		c.put(2+i, 1200, false)
	}

	c.ring.Reset()

	if got := c.ring.Bytes(); got != 0 || c.ring.Get(2001) != nil {
		t.Errorf("%d bytes after Reset", got)
	}

	if _, ok := c.ring.KeyFrame(); ok || !c.ring.Put(9, []byte("x"), true) {
		t.Error("not as new after Reset")
	}
}

func TestRefuses(t *testing.T) {
	r := ring.New(4096)
	put := func(sequence uint16, size int) bool { return r.Put(sequence, make([]byte, size), false) }

	for i, tc := range []struct {
		sequence uint16
		size     int
		want     bool
	}{
		{10, 0, false},
		{10, 4093, false},
		{10, 4092, true}, // just fits
		{10, 5, false},
		{9, 100, true}, // replaces 10
		{10, 100, false},
		{8, 100, false}, // older than what went
		{11, 100, true},
		{11, 100, false},
	} {
		if got := put(tc.sequence, tc.size); got != tc.want {
			t.Errorf("%d: %v", i, got)
		}
	}

	for _, capacity := range []int{-1, 0, 4} {
		if ring.New(capacity).Put(1, []byte("x"), true) {
			t.Errorf("capacity %d: accepted", capacity)
		}
	}

	if large := ring.New(1 << 20); large.Put(1, make([]byte, 1<<16), true) || !large.Put(1, make([]byte, 1<<16-1), true) {
		t.Error("65,535 bytes are the most")
	}
}

func TestLatePacketsFillGaps(t *testing.T) {
	c := newChecker(t, budget)

	for _, sequence := range []uint16{65533, 65535, 2, 1} {
		c.put(sequence, 100, sequence == 65533)
		c.check()
	}

	if _, ok := c.ring.KeyFrame(); ok {
		t.Error("a key frame with gaps behind it")
	}

	for _, sequence := range []uint16{0, 65534} {
		if !c.put(sequence, 100, false) || c.put(sequence, 100, false) {
			t.Errorf("%d not taken once", sequence)
		}

		c.check()
	}

	if first, ok := c.ring.KeyFrame(); !ok || first != 65533 {
		t.Errorf("key frame %d, %v", first, ok)
	}

	// A key frame's start that comes late begins there; an older one changes nothing.
	c.put(5, 100, false)
	c.put(4, 100, true)
	c.put(3, 100, true)
	c.check()

	if first, ok := c.ring.KeyFrame(); !ok || first != 4 {
		t.Errorf("key frame %d, %v", first, ok)
	}
}

func TestJumps(t *testing.T) {
	for name, tc := range map[string]struct {
		jump   []uint16
		follow bool // the ring goes on behind the jump
	}{
		"ahead, one packet":       {[]uint16{5000}, false},
		"ahead, the same again":   {[]uint16{5000, 5000}, false},
		"ahead, two apart":        {[]uint16{5000, 5002}, false},
		"ahead, two wild ones":    {[]uint16{5000, 20000}, false},
		"ahead, two in a row":     {[]uint16{5000, 5001}, true},
		"back, one packet":        {[]uint16{60000}, false},
		"back, two in a row":      {[]uint16{65535 - 3000, 65535 - 2999}, true},
		"half way round":          {[]uint16{32868, 32869}, true},
		"just outside the window": {[]uint16{100 + 1024, 100 + 1025}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker(t, budget)
			for sequence := range uint16(101) {
				c.put(sequence, 100, sequence == 0)
			}

			for i, sequence := range tc.jump {
				if got, want := c.put(sequence, 100, false), tc.follow && i == len(tc.jump)-1; got != want {
					t.Errorf("packet %d of the jump: %v", i, got)
				}
			}

			if got := c.ring.Get(100) == nil; got != tc.follow {
				t.Errorf("emptied: %v", got)
			}

			next := uint16(101)
			if tc.follow {
				next = tc.jump[len(tc.jump)-1] + 1
			}

			if !c.put(next, 100, false) {
				t.Error("the stream does not go on")
			}

			c.check()
		})
	}
}

func TestWildPacketsBetweenOthersEmptyNothing(t *testing.T) {
	c := newChecker(t, budget)
	for i := range uint16(3000) {
		if !c.put(i, 50, i%100 == 0) || c.put(i+20000+i%2, 50, true) {
			t.Fatalf("packet %d", i)
		}
	}

	c.check()
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	r, packet, sequence := ring.New(budget), make([]byte, 1000), uint16(0)
	put := func() {
		r.Put(sequence, packet, sequence%135 == 0)
		sequence++
	}

	for range 1000 {
		put()
	}

	if n := testing.AllocsPerRun(2000, put); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
