package splice_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pion/rtp"

	"github.com/invigil/invigil/sfu/splice"
)

var start = time.UnixMilli(1e12)

func plain(ssrc uint32, sequence uint16) *camera {
	return &camera{ssrc: ssrc, sequence: sequence, timestamp: 1 << 31, pictureID: 500, bits: 15, tl0: 100, hasTL0: true}
}

// viewer writes packets and sees what comes out.
type viewer struct {
	testing.TB

	out *splice.Output
	now time.Time
}

func newViewer(tb testing.TB) *viewer {
	tb.Helper()

	return &viewer{TB: tb, out: splice.New(outSSRC, 65534, 1<<32-100), now: start}
}

func (v *viewer) begin(source uint32, frames ...[][]byte) {
	v.Helper()

	if !v.out.Begin(source, all(frames...), v.now) {
		v.Fatal("did not begin")
	}
}

func (v *viewer) write(frames ...[][]byte) []seen {
	v.Helper()

	var packets []seen

	for _, frame := range frames {
		for _, raw := range frame {
			if packet, ok := v.try(raw); ok {
				packets = append(packets, packet)
			} else {
				v.Fatalf("%v refused", header(raw))
			}
		}
	}

	return packets
}

func (v *viewer) try(raw []byte) (seen, bool) {
	v.Helper()

	dst := bytes.Repeat([]byte{0xee}, len(raw))

	n := v.out.Write(dst, raw, 96, v.now)
	if n == 0 {
		return seen{}, false
	}

	if !bytes.Equal(dst[n:], bytes.Repeat([]byte{0xee}, len(raw)-n)) {
		v.Fatal("written behind the end")
	}

	return see(v, dst[:n]), true
}

func TestOnlyHeaderAndDescriptorChange(t *testing.T) {
	v, c := newViewer(t), plain(1, 3) // 3: with extensions, contributing sources
	key := c.frame(true, 3, 0)
	v.begin(1, key[:1])

	for i, got := range v.write(key) {
		want := see(t, key[i])
		header := rtp.Header{
			Version: 2, Marker: i == 2, PayloadType: 96, SequenceNumber: 65534 + uint16(i), Timestamp: 1<<32 - 100, SSRC: outSSRC,
		}

		if diff := cmp.Diff(got.Header, header, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(rtp.Header{})); diff != "" {
			t.Errorf("packet %d: %s", i, diff)
		}

		if !bytes.Equal(got.media, want.media) ||
			got.vp8.TID != want.vp8.TID || got.vp8.S != want.vp8.S {
			t.Errorf("packet %d: %v", i, got)
		}
	}
}

func TestSourcesFollowOnEachOther(t *testing.T) {
	v, a, b := newViewer(t), plain(1, 10), plain(2, 40000)
	key := a.frame(true, 1, 0)
	v.begin(1, key)
	first := v.write(key, a.frame(false, 2, 3000))
	last := first[len(first)-1]

	lost := a.frame(false, 1, 3000)
	v.now = v.now.Add(100 * time.Millisecond)
	key = b.frame(true, 1, 0)
	v.begin(2, key)
	next := v.write(key)[0]

	if next.SequenceNumber != last.SequenceNumber+1 || next.Timestamp != last.Timestamp+9000 ||
		next.vp8.PictureID != last.vp8.PictureID+1 || next.vp8.TL0PICIDX != last.vp8.TL0PICIDX+1 {
		t.Errorf("%v after %v", next, last)
	}

	if _, ok := v.try(lost[0]); ok {
		t.Error("a packet of the source before is written")
	}

	then := v.write(b.frame(false, 1, 3000))[0]
	if then.Timestamp != next.Timestamp+3000 || then.SequenceNumber != next.SequenceNumber+1 {
		t.Errorf("%v after %v", then, next)
	}
}

func TestTimestampsMoveOnAtLeastATickAndAnHourAtMost(t *testing.T) {
	for pause, want := range map[time.Duration]uint32{
		-time.Hour: 1, 0: 1, time.Microsecond: 1, time.Second: 90000, 30 * 24 * time.Hour: 3600 * 90000,
	} {
		v, c := newViewer(t), plain(1, 10)
		key := c.frame(true, 1, 0)
		v.begin(1, key)
		before := v.write(key)[0]

		v.now = v.now.Add(pause)
		key = c.frame(true, 1, 12345)
		v.begin(1, key)

		if got := v.write(key)[0].Timestamp - before.Timestamp; got != want {
			t.Errorf("%v: %d ticks, want %d", pause, got, want)
		}
	}
}

func TestPaddingKeepsItsSequenceNumber(t *testing.T) {
	v, c := newViewer(t), plain(1, 10)
	key := c.frame(true, 1, 0)
	v.begin(1, key)
	packets := v.write(key, [][]byte{c.padding(), c.padding()}, c.frame(false, 1, 3000))

	for i, packet := range packets {
		if packet.SequenceNumber != 65534+uint16(i) || (len(packet.Payload) == 0) != (i == 1 || i == 2) || packet.Padding {
			t.Errorf("packet %d: %v", i, packet)
		}
	}

	if packets[3].vp8.PictureID != packets[0].vp8.PictureID+1 {
		t.Error("padding took a picture id")
	}
}

func TestPictureIDsOfAllSizes(t *testing.T) {
	v := newViewer(t)
	last := uint16(0)

	for i, bits := range []int{15, 7, 0, 7, 15, 0, 15} {
		c := plain(uint32(i), 10)
		c.bits, c.pictureID = bits, 126
		key := c.frame(true, 1, 0)
		v.begin(1, key)

		for _, packet := range v.write(key, c.frame(false, 1, 3000), c.frame(false, 1, 3000)) {
			if bits == 0 {
				if packet.vp8.I != 0 {
					t.Errorf("source %d: a picture id", i)
				}

				continue
			}

			if last = (last + 1) & (1<<bits - 1); packet.vp8.PictureID != last {
				t.Errorf("source %d: picture id %d, want %d", i, packet.vp8.PictureID, last)
			}
		}
	}
}
