package splice_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestRandomSwitchesLookLikeOneStream: whatever is lost, late or there twice.
func TestRandomSwitchesLookLikeOneStream(t *testing.T) {
	bursts, splices, packets := 0, 0, 0

	for range 40 {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		s := watch(t, rand.New(rand.NewPCG(seed, 0)))
		bursts, splices, packets = bursts+s.bursts, splices+s.splice, packets+len(s.sent)
	}

	t.Logf("%d packets of %d sources, %d of them from a cache", packets, splices, bursts)

	if bursts < 100 || packets < 10000 {
		t.Error("the test tests little")
	}
}

// watch shows random cameras in a slot for a while.
func watch(tb testing.TB, random *rand.Rand) *slot {
	tb.Helper()

	s := newSlot(tb, uint16(random.Uint32()), random.Uint32())
	cameras := make([]*camera, 2+random.IntN(4))
	delayed := make([][][]byte, len(cameras))
	trouble := random.IntN(3) * 5 // percent each of what is lost, late, there twice

	for i := range cameras {
		cameras[i] = newCamera(random, uint32(i)*7)
	}

	for tick := range 1500 {
		s.now = s.now.Add(time.Duration(random.IntN(30)) * time.Millisecond)

		for i, c := range cameras {
			source, key := uint32(i+1), tick == 0 || random.IntN(40) == 0
			frame := c.frame(key, 1+random.IntN(4), 1+uint32(random.IntN(6000)))

			if random.IntN(10) == 0 {
				frame = append(frame, c.padding())
			}

			for _, raw := range frame {
				switch chance := random.IntN(100); {
				case chance < trouble: // lost
				case chance < 2*trouble:
					delayed[i] = append(delayed[i], raw)

					continue
				case chance < 3*trouble:
					s.arrive(source, raw)
					s.arrive(source, raw)
				default:
					s.arrive(source, raw)
				}

				if len(delayed[i]) > 0 && random.IntN(4) == 0 {
					s.arrive(source, delayed[i][0])
					delayed[i] = delayed[i][1:]
				}
			}
		}

		if tick == 0 || random.IntN(20) == 0 {
			s.wanted = 1 + uint32(random.IntN(len(cameras)))
		}

		if random.IntN(10) == 0 {
			s.checkHistory(random, false)
		}
	}

	s.checkStream()

	return s
}
