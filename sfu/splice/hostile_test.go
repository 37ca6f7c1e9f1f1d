package splice_test

import (
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/splice"
)

// TestSourcesThatJumpWaitForAKeyFrame: what jumps is not forwarded until the next
// key frame, and that leaves no gap.
func TestSourcesThatJumpWaitForAKeyFrame(t *testing.T) {
	for name, jump := range map[string]func(*camera){
		"sequence ahead":  func(c *camera) { c.sequence += 1024 },
		"sequence far":    func(c *camera) { c.sequence += 40000 },
		"sequence back":   func(c *camera) { c.sequence -= 1030 },
		"timestamp ahead": func(c *camera) { c.timestamp += 2e6 },
		"timestamp far":   func(c *camera) { c.timestamp += 1 << 31 },
		"timestamp back":  func(c *camera) { c.timestamp -= 10000 },
	} {
		v, c := newViewer(t), plain(1, 10)
		key := c.frame(true, 1, 0)
		v.begin(1, key)
		packets := v.write(key, c.frame(false, 3, 3000))
		last := packets[len(packets)-1]

		jump(c)

		if _, ok := v.try(c.frame(false, 1, 3000)[0]); ok {
			t.Errorf("%s: forwarded", name)
		}

		v.now = v.now.Add(time.Second)

		next := v.write(c.frame(true, 1, 3000))[0]
		if next.SequenceNumber != last.SequenceNumber+1 || next.Timestamp != last.Timestamp+90000 ||
			next.vp8.PictureID != last.vp8.PictureID+1 || next.vp8.TL0PICIDX != last.vp8.TL0PICIDX+1 {
			t.Errorf("%s: %v after %v", name, next, last)
		}

		v.write(c.frame(false, 1, 3000))
	}
}

func TestALongPauseIsNoJump(t *testing.T) {
	v, c := newViewer(t), plain(1, 10)
	key := c.frame(true, 1, 0)
	v.begin(1, key)
	v.write(key)

	v.now = v.now.Add(time.Minute)
	v.write(c.frame(false, 1, 60*90000))
}

func TestSourcesMayLastForDays(t *testing.T) {
	v, c := newViewer(t), plain(1, 10)
	key := c.frame(true, 1, 0)
	v.begin(1, key)
	before := v.write(key)[0]

	for range 70000 { // 19 hours: timestamps and sequence numbers wrap
		v.now = v.now.Add(time.Second)
		after := v.write(c.frame(false, 1, 90000))[0]

		if after.Timestamp != before.Timestamp+90000 || after.SequenceNumber != before.SequenceNumber+1 {
			t.Fatalf("%v after %v", after, before)
		}

		before = after
	}

	source, sequence, ok := v.out.Source(before.SequenceNumber - 100)
	if want := c.sequence - 101; !ok || source != 1 || sequence != want {
		t.Errorf("%d, %d, %v; want %d", source, sequence, ok, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	v, c := newViewer(t), plain(1, 1000)
	early := c.frame(true, 1, 0)

	if _, ok := v.try(early[0]); ok {
		t.Error("written without a source")
	}

	key := c.frame(true, 1, 3000)
	v.begin(1, key)
	v.write(key, c.frame(false, 1, 3000), [][]byte{c.padding()})

	other := plain(2, c.sequence)
	contradiction := plain(1, c.sequence-1) // late, but with a newer timestamp

	for name, raw := range map[string][]byte{
		"older than the first": early[0],
		"another SSRC":         other.frame(false, 1, 3000)[0],
		"no packet":            {0x80, 1, 2},
		"no descriptor":        c.send([]byte{0x90, 0x80}, false),
		"contradiction":        contradiction.frame(true, 1, 30000)[0],
	} {
		if packet, ok := v.try(raw); ok {
			t.Errorf("%s: %v", name, packet)
		}
	}

	raw := c.frame(false, 1, 3000)[0]
	h := header(raw)

	size := 12 + h.PayloadEnd - h.PayloadOffset
	if n := v.out.Write(make([]byte, size-1), raw, 96, v.now); n != 0 {
		t.Error("written into too little")
	}

	if n := v.out.Write(make([]byte, size), raw, 96, v.now); n != size {
		t.Error("not written into just enough")
	}
}

func TestSourceKnowsTheLastFourSplices(t *testing.T) {
	v := newViewer(t)
	cameras := map[uint32]*camera{}

	for source := range uint32(8) {
		c := plain(source, uint16(source)*1000)
		cameras[source] = c
		key := c.frame(true, 2, 0)
		v.begin(source, key)
		v.begin(source, key) // nothing was written of the one before
		v.write(key)
	}

	for i := range 16 {
		source, sequence, ok := v.out.Source(65534 + uint16(i))
		if want := i >= 6; ok != want || ok && (source != uint32(i/2) || sequence != uint16(source)*1000+uint16(i%2)) {
			t.Errorf("packet %d: %d, %d, %v", i, source, sequence, ok)
		}
	}

	for _, sequence := range []uint16{14, 65533, 30000, 50000} {
		if source, _, ok := v.out.Source(sequence); ok {
			t.Errorf("%d: of source %d", sequence, source)
		}
	}

	if _, _, ok := splice.New(1, 5, 5).Source(4); ok {
		t.Error("a packet before the first")
	}
}

func TestRepeatRefusesOtherPackets(t *testing.T) {
	v, c := newViewer(t), plain(1, 10)
	key := c.frame(true, 2, 0)
	v.begin(1, key)
	v.write(key)

	dst, foreign := make([]byte, 1500), plain(2, 10).frame(true, 1, 0)[0]

	for name, n := range map[string]int{
		"another packet": v.out.Repeat(dst, 65534, key[1], 96),
		"another stream": v.out.Repeat(dst, 65534, foreign, 96),
		"not sent yet":   v.out.Repeat(dst, 0, c.frame(false, 1, 3000)[0], 96),
		"no packet":      v.out.Repeat(dst, 65534, []byte{1}, 96),
		"too little":     v.out.Repeat(dst[:12], 65534, key[0], 96),
	} {
		if n != 0 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	out, c, dst := splice.New(1, 2, 3), plain(1, 10), make([]byte, 1500)
	key := c.frame(true, 1, 0)
	frames := make([][]byte, 0, 3000)

	for range cap(frames) {
		frames = append(frames, c.frame(false, 1, 3000)...)
	}

	out.Begin(1, all(key), start)
	out.Write(dst, key[0], 96, start)

	i := 0
	if n := testing.AllocsPerRun(2000, func() {
		if out.Write(dst, frames[i], 96, start) == 0 {
			t.Fatal("refused")
		}

		sequence := uint16(3 + i)
		if _, _, ok := out.Source(sequence); !ok || out.Repeat(dst, sequence, frames[i], 96) == 0 {
			t.Fatal("forgotten")
		}

		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
