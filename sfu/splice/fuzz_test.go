package splice_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/packet"
)

// FuzzSplice shows hostile sources: operations are packets of three sources that
// step and leap, in sequence and in time, and switches between them.
func FuzzSplice(f *testing.F) {
	// An operation is a byte of what, three of its argument.
	f.Add([]byte{0x80, 1, 0, 0, 0x40, 1, 10, 0, 0x00, 1, 10, 0, 0x81, 1, 0, 0, 0x41, 1, 9, 0, 0x01, 1, 9, 0})
	f.Add([]byte{0x40, 1, 0, 0, 0x00, 1, 60, 0, 0x00, 1, 60, 0, 0x80, 1, 0, 0, 0x00, 1, 60, 0, 0x00, 0xff, 0xc4, 0xff})
	f.Add([]byte{0x80, 1, 0, 0, 0x40, 1, 0, 0, 0x00, 1, 1, 0, 0x20, 1, 0, 0, 0x00, 3, 1, 0, 0x10, 0x7f, 0, 0, 0x40, 1, 0, 0x80})
	f.Add([]byte{0x82, 1, 0, 0, 0x42, 1, 0, 0, 0x50, 0x80, 0, 0x10, 0x50, 1, 0, 0, 0x02, 1, 1, 0x80, 0x42, 1, 0, 0})
	f.Fuzz(func(t *testing.T, operations []byte) {
		s := newSlot(t, 65530, 1<<32-1000)
		random := rand.New(rand.NewPCG(1, 2))
		cameras := [4]*camera{plain(1, 10), plain(2, 65535), plain(2, 10), plain(3, 32767)}
		cameras[1].bits, cameras[2].bits, cameras[3].hasTL0 = 7, 0, false

		for ; len(operations) >= 4; operations = operations[4:] {
			what, source := operations[0], uint32(operations[0]&3)
			c := cameras[source]

			if what&0x80 != 0 {
				s.wanted = source + 1
				s.now = s.now.Add(time.Duration(operations[1]) * time.Millisecond)

				continue
			}

			c.sequence += uint16(int8(operations[1])) - 1
			if what&0x10 != 0 { // a leap
				c.sequence += 256 * uint16(operations[1])
			}

			raw := c.padding()
			if what&0x20 == 0 {
				c.sequence--
				// Steps back in time as well.
				raw = c.frame(what&0x40 != 0, 1, uint32(int32(int16(binary.LittleEndian.Uint16(operations[2:]))))<<(what&0x0c))[0]
			}

			if what&0x7c == 0x3c { // bits that no library sets
				raw[operations[1]%uint8(len(raw))] ^= operations[2]
			}

			if _, ok := packet.Parse(raw); ok {
				s.arrive(source+1, raw)
			}
		}

		s.checkHostile()
		s.checkHistory(random, true)
	})
}

// FuzzWrite gives Output packets that nobody looked at before.
func FuzzWrite(f *testing.F) {
	c := plain(1, 10)
	for _, raw := range [][]byte{
		c.frame(true, 1, 0)[0], c.frame(false, 1, 3000)[0], c.padding(), c.send([]byte{0x90, 0xf0}, true),
	} {
		f.Add(raw, uint16(65534))
	}

	f.Fuzz(func(t *testing.T, raw []byte, sequence uint16) {
		v, c := newViewer(t), plain(1, 9)
		v.out.Begin(1, all([][]byte{raw}), v.now)

		key := c.frame(true, 1, 0)
		v.begin(2, key)
		v.write(key)

		dst, again := make([]byte, len(raw)), make([]byte, len(raw))
		n := v.out.Write(dst, raw, 96, v.now)

		if n == 0 {
			v.out.Repeat(again, sequence, raw, 96)

			return
		}

		out := header(dst[:n])
		if _, from, ok := v.out.Source(out.Sequence); !ok || from != header(raw).Sequence {
			t.Fatalf("%d is of %d, %v", out.Sequence, from, ok)
		}

		if m := v.out.Repeat(again, out.Sequence, raw, 96); !bytes.Equal(again[:m], dst[:n]) {
			t.Fatalf("%x repeated as %x", dst[:n], again[:m])
		}
	})
}
