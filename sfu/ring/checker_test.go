package ring_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/invigil/invigil/sfu/ring"
)

const (
	maxWindow = 1024
	// overhead is the index at its largest.
	overhead = 4 * maxWindow
)

// checker puts packets into a ring and knows what may come out of it.
type checker struct {
	testing.TB

	ring     *ring.Ring
	capacity int
	window   int
	// accepted are the contents by position: sequence numbers that do not wrap.
	accepted map[int][]byte
	newest   int
	key      int // position of the newest key frame's start, 0: none
	count    int
	recent   []int // positions in the order of arrival
}

func newChecker(tb testing.TB, capacity int) *checker {
	tb.Helper()

	window := 64
	for window < maxWindow && window*128 < capacity {
		window *= 2
	}

	return &checker{TB: tb, ring: ring.New(capacity), capacity: capacity, window: window, accepted: map[int][]byte{}}
}

// content is a packet of a size that is like no other.
func (c *checker) content(size int) []byte {
	c.count++
	packet := bytes.Repeat([]byte{byte(c.count)}, size)

	if size >= 4 {
		binary.BigEndian.PutUint32(packet, uint32(c.count))
	}

	return packet
}

func (c *checker) put(sequence uint16, size int, keyFrameStart bool) bool {
	c.Helper()

	packet := c.content(size)
	buffer := bytes.Clone(packet)
	ok := c.ring.Put(sequence, buffer, keyFrameStart)

	clear(buffer) // it must have been copied

	if got := c.ring.Bytes(); got > c.capacity+overhead {
		c.Fatalf("%d bytes held", got)
	}

	if !ok {
		return false
	}

	position := c.newest + int(int16(sequence-uint16(c.newest)))

	switch away := position - c.newest; {
	case len(c.accepted) == 0, away >= c.window, away <= -c.window:
		// The stream starts anew.
		c.accepted, c.recent, c.key, position = map[int][]byte{}, nil, 0, 1<<20+int(sequence)
		c.newest = position
	default:
		c.newest = max(c.newest, position)
	}

	if c.accepted[position] != nil {
		c.Fatalf("%d taken twice", sequence)
	}

	c.accepted[position] = packet
	c.recent = append(c.recent, position)

	if keyFrameStart {
		c.key = max(c.key, position)
	}

	if got := c.ring.Get(sequence); !bytes.Equal(got, packet) {
		c.Fatalf("%d: %x, want %x", sequence, got, packet)
	}

	return true
}

// check compares everything that the ring can be asked with what it was given.
func (c *checker) check() {
	c.Helper()

	for away := -3 * maxWindow; away <= 3*maxWindow; away++ {
		position := c.newest + away

		got := c.ring.Get(uint16(position))
		if got != nil && (away > 0 || away <= -c.window || !bytes.Equal(got, c.accepted[position])) {
			c.Fatalf("%d from the newest: %x, want %x", away, got, c.accepted[position])
		}
	}

	c.checkKept()
	c.checkKeyFrame()
}

// checkKept: the last that came, as far as bytes and window reach.
func (c *checker) checkKept() {
	c.Helper()

	left := c.capacity

	for _, position := range slices.Backward(c.recent) {
		// Packets are in one piece, so the place of one may be lost at the end.
		left -= 4 + len(c.accepted[position])
		if left < c.capacity/2 || position <= c.newest-c.window {
			return
		}

		if c.ring.Get(uint16(position)) == nil {
			c.Fatalf("%d of %d, the newest, is gone with %d bytes left", position, c.newest, left)
		}
	}
}

func (c *checker) checkKeyFrame() {
	c.Helper()

	var want [][]byte

	for position := c.key; c.key > 0 && position <= c.newest; position++ {
		packet := c.ring.Get(uint16(position))
		if packet == nil || position <= c.newest-c.window {
			want = nil

			break
		}

		want = append(want, packet)
	}

	first, ok := c.ring.KeyFrame()
	if ok != (want != nil) || ok && first != uint16(c.key) {
		c.Fatalf("key frame %d, %v; want %d, %v", first, ok, uint16(c.key), want != nil)
	}

	got := slices.Collect(c.ring.SinceKeyFrame)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		c.Fatalf("%d packets since the key frame, want %d", len(got), len(want))
	}

	if len(want) > 1 {
		for packet := range c.ring.SinceKeyFrame { // may be left at any packet
			if !bytes.Equal(packet, want[0]) {
				c.Fatal("not from the key frame on")
			}

			break
		}
	}
}
