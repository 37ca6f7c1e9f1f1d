// Package ring keeps the newest packets of one stream, once for all viewers:
// for retransmission by sequence number, and for the first picture, which is
// everything from the start of the last key frame on.
//
// Packets are kept in the order of their arrival, and the first that came is
// the first to go. What is kept is bounded twice: by bytes, and by sequence
// numbers, of which the window ends at the newest.
package ring

const (
	// maxWindow is how many sequence numbers are kept at most, a power of two:
	// 4 s of a stream with 250 packets per second.
	maxWindow = 1024
	// minWindow is the window that a stream starts with.
	minWindow = 64
	// bytesPerPacket is fewer than packets of video have on average; a capacity
	// divided by it is the window.
	bytesPerPacket = 128
	// origin is where counting starts, so that packets before the first have
	// positions as well, and 0 is none.
	origin = 1 << 20
)

// Ring keeps the packets of one stream. It is not safe for concurrent use.
type Ring struct {
	log       log
	maxWindow int

	// index is where packets are in log, plus one, by their position modulo its
	// length; 0 is a hole. Only positions of the window are in it.
	index []uint32
	// newest, evicted and key are positions: sequence numbers that do not wrap.
	// newest is 0 before the first packet.
	newest int64
	// evicted is the newest of the packets that went: what is older is refused,
	// so that no packet is ever taken twice.
	evicted int64
	// key is the newest start of a key frame; 0 if there was none.
	key int64

	// wild is the sequence number that would confirm a jump (RFC 3550, appendix A.1).
	wild    uint16
	hasWild bool
}

// New returns a ring for at most capacity bytes of packets, of which each takes
// 4 more than its own, and an index of 4 bytes for each 128 of them, 4 KiB at
// most. Both start with nothing and grow as they are needed.
func New(capacity int) *Ring {
	r := &Ring{log: log{capacity: min(max(capacity, 0), maxCapacity)}, maxWindow: minWindow}
	for r.maxWindow < maxWindow && r.maxWindow*bytesPerPacket < capacity {
		r.maxWindow *= 2
	}

	return r
}

// Put copies a packet into the ring. It returns false and keeps nothing for a
// duplicate, for a packet older than what is kept (it may have been here), and
// for one larger than the ring or than 65,535 bytes. Holes are filled by late
// packets. It allocates only while the ring grows.
//
// It also returns false for a sequence number 1024 or more away from the newest
// (a small ring's window, if that is less). That is a glitch, or a stream that
// starts anew: if the very next packet follows on it, the ring is emptied and
// starts there. So a wild packet empties nothing, and a sender of two empties
// what is his own.
func (r *Ring) Put(sequence uint16, packet []byte, keyFrameStart bool) bool {
	if !r.log.fits(packet) {
		return false
	}

	position := r.position(sequence)

	switch age := r.newest - position; {
	case r.newest == 0:
		r.start(sequence)

		position = r.newest
	case age <= int64(-r.maxWindow) || age >= int64(r.maxWindow):
		if !r.hasWild || sequence != r.wild {
			r.wild, r.hasWild = sequence+1, true

			return false
		}

		r.start(sequence)

		position = r.newest
	case age < 0:
		r.advance(position)
	case position <= r.evicted || r.find(position) != 0:
		r.hasWild = false

		return false
	default:
		r.widen(age)
	}

	r.hasWild = false
	r.index[r.slot(position)] = r.append(sequence, packet) + 1

	if keyFrameStart && position > r.key {
		r.key = position
	}

	return true
}

// Get returns a packet, nil if it is not kept. It is valid until the next Put
// or Reset and must not be changed.
func (r *Ring) Get(sequence uint16) []byte {
	return r.at(r.position(sequence))
}

// Reset forgets all packets and returns their memory.
func (r *Ring) Reset() {
	*r = Ring{log: log{capacity: r.log.capacity}, maxWindow: r.maxWindow}
}

// Bytes returns how much memory the ring holds for packets and index.
func (r *Ring) Bytes() int { return len(r.log.bytes) + 4*len(r.index) }

// position returns the position of a sequence number: the one nearest to the
// newest packet's.
func (r *Ring) position(sequence uint16) int64 {
	return r.newest + int64(int16(sequence-uint16(r.newest)))
}

func (r *Ring) slot(position int64) int { return int(position) & (len(r.index) - 1) }

// find returns what index has for a position, 0 outside the window.
func (r *Ring) find(position int64) uint32 {
	if age := r.newest - position; age < 0 || age >= int64(len(r.index)) {
		return 0
	}

	return r.index[r.slot(position)]
}

func (r *Ring) at(position int64) []byte {
	offset := r.find(position)
	if offset == 0 {
		return nil
	}

	return r.log.packet(offset - 1)
}

// start empties the ring, keeping its memory, for a stream that goes on at a
// sequence number.
func (r *Ring) start(sequence uint16) {
	if r.index == nil {
		r.index = make([]uint32, minWindow)
	}

	clear(r.index)
	r.log.clear()
	r.newest, r.evicted, r.key = origin+int64(sequence), 0, 0
}

// advance moves the window on until position is the newest.
func (r *Ring) advance(position int64) {
	for p := r.newest + 1; p <= position; p++ {
		if len(r.index) < r.maxWindow && r.find(p-int64(len(r.index))) != 0 {
			r.widen(int64(len(r.index)))
		}

		r.newest = p
		r.index[r.slot(p)] = 0
	}
}

// widen grows the window until a packet of an age, in sequence numbers, is in it.
func (r *Ring) widen(age int64) {
	for int64(len(r.index)) <= age && len(r.index) < r.maxWindow {
		old := r.index
		oldest := r.newest - int64(len(old)) + 1
		r.index = make([]uint32, 2*len(old))

		for p := oldest; p <= r.newest; p++ {
			r.index[r.slot(p)] = old[int(p)&(len(old)-1)]
		}
	}
}

// append copies a packet into the log, where others go for it, and returns its
// offset.
func (r *Ring) append(sequence uint16, packet []byte) uint32 {
	for {
		if offset, ok := r.log.append(sequence, packet); ok {
			return offset
		}

		if r.log.grow() {
			continue
		}

		gone, offset := r.log.evict()

		// The window may have passed over it already.
		if position := r.position(gone); r.find(position) == offset+1 {
			r.index[r.slot(position)] = 0
			r.evicted = max(r.evicted, position)
		}
	}
}
