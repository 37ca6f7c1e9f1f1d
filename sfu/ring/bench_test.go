package ring_test

import (
	"testing"

	"github.com/invigil/invigil/sfu/ring"
)

func BenchmarkPut(b *testing.B) {
	r, packet, sequence := ring.New(budget), make([]byte, 1000), uint16(0)

	b.ReportAllocs()

	for b.Loop() {
		r.Put(sequence, packet, sequence%135 == 0)
		sequence++
	}
}

// BenchmarkCopy is the part of BenchmarkPut that no design saves.
func BenchmarkCopy(b *testing.B) {
	kept, packet, i := make([]byte, budget), make([]byte, 1000), 0

	for b.Loop() {
		copy(kept[i:], packet)

		if i += 1000; i > budget-1000 {
			i = 0
		}
	}
}

func BenchmarkGet(b *testing.B) {
	r, packet := ring.New(budget), make([]byte, 1000)
	for sequence := range uint16(200) {
		r.Put(sequence, packet, false)
	}

	b.ReportAllocs()

	for b.Loop() {
		if r.Get(150) == nil {
			b.Fatal("gone")
		}
	}
}

func BenchmarkKeyFrame(b *testing.B) {
	r, packet := ring.New(budget), make([]byte, 1000)
	for sequence := range uint16(100) {
		r.Put(sequence, packet, sequence == 0)
	}

	for b.Loop() {
		if _, ok := r.KeyFrame(); !ok {
			b.Fatal("none")
		}
	}
}
