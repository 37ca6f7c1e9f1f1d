package splice

// Source tells which packet of which source an outgoing sequence number stands
// for, in the sources of the last four splices and up to 32,768 packets back. It
// tells so of packets that were never written as well, because they were lost
// before they came here: they may have come since. It is not ok for what was
// not sent yet, and for what is too old.
func (o *Output) Source(sequence uint16) (source uint32, sourceSequence uint16, ok bool) {
	s, position := o.find(sequence)
	if s == nil {
		return 0, 0, false
	}

	return s.source, uint16(position), true
}

// Repeat copies a source packet into dst as Write did, or would have done had it
// come in time: the same bytes for the same packet, after later splices as well.
// sequence is the outgoing one that Source told the source packet for. n is 0 if
// raw is not that packet, and for what Write refuses.
func (o *Output) Repeat(dst []byte, sequence uint16, raw []byte, pt uint8) (n int) {
	s, wanted := o.find(sequence)
	if s == nil {
		return 0
	}

	p, ok := parse(raw)
	if !ok || p.SSRC != s.ssrc || len(dst) < p.outgoingSize() {
		return 0
	}

	position, timestamp := s.position(&p)
	if uint16(position) != uint16(wanted) || !s.covers(timestamp) || !s.anchored(&p) {
		return 0
	}

	return s.rewrite(dst, &p, wanted, timestamp, o.ssrc, pt)
}

// find returns the source of an outgoing sequence number, and its packet's
// position there.
func (o *Output) find(sequence uint16) (s *segment, position int64) {
	// The position nearest to what was sent last.
	outgoing := o.sequence + int64(int16(sequence-uint16(o.sequence)))

	for i := range o.segments[:o.begun] {
		s := &o.segments[i]
		if position := s.first + outgoing - s.outFirst; position >= s.first && position <= s.newest {
			return s, position
		}
	}

	return nil, 0
}
