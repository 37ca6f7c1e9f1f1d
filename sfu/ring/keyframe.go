package ring

// KeyFrame returns the sequence number of the start of the newest key frame. It
// is not ok if there was none, or if any packet from there to the newest is not
// kept: what a decoder gets must have no gap. A lost packet that comes late
// makes it ok again. (With a gap behind the newest key frame, the ones before
// are no better: the gap is behind them as well.)
//
// It looks at each packet from there on, which takes about 1 ns each.
func (r *Ring) KeyFrame() (first uint16, ok bool) {
	if r.key == 0 {
		return 0, false
	}

	for position := r.key; position <= r.newest; position++ {
		if r.find(position) == 0 {
			return 0, false
		}
	}

	return uint16(r.key), true
}

// SinceKeyFrame yields the packets from the start of the newest key frame to the
// newest packet, in the order of sequence numbers; none where KeyFrame is not
// ok. It is an iter.Seq. The packets are valid until the next Put or Reset,
// which must not come before the end, and must not be changed.
func (r *Ring) SinceKeyFrame(yield func(packet []byte) bool) {
	if _, ok := r.KeyFrame(); !ok {
		return
	}

	for position := r.key; position <= r.newest; position++ {
		if !yield(r.at(position)) {
			return
		}
	}
}
