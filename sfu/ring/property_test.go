package ring_test

import (
	"math/rand/v2"
	"testing"
)

func TestRandomStreams(t *testing.T) {
	for range 60 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		t.Logf("seed %d", seed)

		c := newChecker(t, 8192<<random.IntN(5))
		sequence := uint16(random.Uint32())
		largest := 1 + random.IntN(1400)

		for range 3000 {
			next := sequence
			switch random.IntN(40) {
			case 0:
				next += uint16(random.IntN(100)) // loss
			case 1, 2, 3:
				next -= uint16(random.IntN(200)) // late, or again
			case 4:
				next = uint16(random.Uint32())
			}

			c.put(next, 1+random.IntN(largest), random.IntN(30) == 0)

			if int16(next-sequence) >= 0 && random.IntN(50) != 0 {
				sequence = next + 1
			}

			if random.IntN(50) == 0 {
				c.check()
			}
		}
	}
}
