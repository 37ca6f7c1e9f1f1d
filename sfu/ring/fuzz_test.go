package ring_test

import "testing"

func FuzzRing(f *testing.F) {
	f.Add(uint16(40), []byte{0, 10, 0, 20, 0, 30, 0x80, 40, 5, 50, 0x44, 60, 0x43, 70})
	f.Add(uint16(4), []byte{0x80, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0x80, 255, 0, 255, 0, 255, 0x41, 9})
	f.Add(uint16(130), []byte{0x80, 1, 0x3f, 1, 0x20, 1, 0x20, 2, 0, 3, 0x3e, 1, 0, 1, 0x7f, 200})
	f.Fuzz(func(t *testing.T, kib uint16, operations []byte) {
		c := newChecker(t, int(kib%256)<<10)
		sequence := uint16(65500)

		for ; len(operations) >= 2; operations = operations[2:] {
			step, size := operations[0]&0x3f, int(operations[1])*6
			next := sequence

			switch {
			case operations[0]&0x40 != 0: // late, or again
				next -= uint16(step)
			case step >= 0x38: // a jump
				next += uint16(step) * 797
				sequence = next + 1
			default:
				next += uint16(step)
				sequence = next + 1
			}

			c.put(next, size, operations[0]&0x80 != 0)
		}

		c.check()
	})
}
