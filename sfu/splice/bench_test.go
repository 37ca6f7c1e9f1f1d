package splice_test

import (
	"testing"

	"github.com/invigil/invigil/sfu/splice"
)

// BenchmarkWrite is one packet of 1,000 bytes to one viewer.
func BenchmarkWrite(b *testing.B) {
	out, c, dst := splice.New(1, 2, 3), plain(1, 10), make([]byte, 1500)
	key := c.frame(true, 1, 0)
	out.Begin(1, all(key), start)
	out.Write(dst, key[0], 96, start)

	c.sequence = 12 // with extensions
	raw := c.send(append(c.payload(false, true), make([]byte, 1000)...), true)

	b.ReportAllocs()

	for b.Loop() {
		raw[3]++ // new sequence numbers, 8 bits of them

		if raw[3] == 0 {
			raw[2]++
		}

		if out.Write(dst, raw, 96, start) == 0 {
			b.Fatal("refused")
		}
	}
}

func BenchmarkRepeat(b *testing.B) {
	out, c, dst := splice.New(1, 2, 3), plain(1, 10), make([]byte, 1500)
	raw := c.send(append(c.payload(true, true), make([]byte, 1000)...), true)
	out.Begin(1, all([][]byte{raw}), start)
	out.Write(dst, raw, 96, start)

	b.ReportAllocs()

	for b.Loop() {
		if out.Repeat(dst, 2, raw, 96) == 0 {
			b.Fatal("refused")
		}
	}
}

// BenchmarkBegin is a switch to a stream with 3 s in its ring.
func BenchmarkBegin(b *testing.B) {
	out, c := splice.New(1, 2, 3), plain(1, 10)
	cached := [][][]byte{c.frame(true, 10, 0)}

	for range 45 {
		cached = append(cached, c.frame(false, 3, 6000))
	}

	picture := all(cached...)

	b.ReportAllocs()

	for b.Loop() {
		if !out.Begin(1, picture, start) {
			b.Fatal("did not begin")
		}
	}
}
