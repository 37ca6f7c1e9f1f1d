package ring

import "encoding/binary"

const (
	// maxCapacity keeps offsets in 32 bits.
	maxCapacity = 1 << 30
	// firstSize is what a stream's first packet allocates, in bytes; the next step
	// is all of it. Doubling would leave as much garbage behind as it ends with,
	// and memory that was never written to costs nothing but its addresses.
	firstSize = 4 << 10
	// entryHeader is a packet's sequence number and size, in bytes.
	entryHeader = 4
	maxPacket   = 1<<16 - 1
)

// log keeps packets in the order in which they are appended, each in one piece.
// Entries are from tail to head; once head is back at the start (wrapped), from
// tail to end and from 0 to head.
type log struct {
	capacity int
	bytes    []byte

	head, tail, end int
	wrapped         bool
	entries         int
}

func (l *log) fits(packet []byte) bool {
	return len(packet) > 0 && len(packet) <= maxPacket && entryHeader+len(packet) <= l.capacity
}

func (l *log) clear() {
	l.head, l.tail, l.end, l.wrapped, l.entries = 0, 0, 0, false, 0
}

// append returns where the packet is now, or false while there is no room.
func (l *log) append(sequence uint16, packet []byte) (offset uint32, ok bool) {
	size := entryHeader + len(packet)

	switch {
	case l.wrapped:
		if l.tail-l.head < size {
			return 0, false
		}
	case len(l.bytes)-l.head >= size:
	case l.entries > 0 && l.tail >= size:
		l.end, l.head, l.wrapped = l.head, 0, true
	default:
		return 0, false
	}

	at := l.head
	binary.BigEndian.PutUint16(l.bytes[at:], sequence)
	binary.BigEndian.PutUint16(l.bytes[at+2:], uint16(len(packet)))
	copy(l.bytes[at+entryHeader:], packet)

	l.head += size
	l.entries++

	return uint32(at), true
}

// packet returns the packet at an offset.
func (l *log) packet(offset uint32) []byte {
	begin := int(offset) + entryHeader
	end := begin + int(binary.BigEndian.Uint16(l.bytes[offset+2:]))

	return l.bytes[begin:end:end]
}

// evict removes the oldest entry; there must be one.
func (l *log) evict() (sequence uint16, offset uint32) {
	sequence, offset = binary.BigEndian.Uint16(l.bytes[l.tail:]), uint32(l.tail)
	l.tail += entryHeader + len(l.packet(offset))
	l.entries--

	switch {
	case l.entries == 0:
		l.clear()
	case l.wrapped && l.tail == l.end:
		l.tail, l.wrapped = 0, false
	}

	return sequence, offset
}

// grow gets more memory; false if there is all of it already. Nothing is evicted
// before that, so entries still start at 0 and stay where they are.
func (l *log) grow() bool {
	if len(l.bytes) >= l.capacity {
		return false
	}

	size := l.capacity
	if len(l.bytes) == 0 {
		size = min(firstSize, l.capacity)
	}

	grown := make([]byte, size)
	copy(grown, l.bytes[:l.head])
	l.bytes = grown

	return true
}
