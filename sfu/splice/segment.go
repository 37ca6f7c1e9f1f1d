package splice

import (
	"encoding/binary"
	"iter"
	"time"

	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/vp8"
)

const (
	// reach is how far a sequence number may be from the newest to be of the same
	// stream, in packets; a ring's window is as wide.
	reach = 1024
	// maxStep is by how much a frame's timestamp may be ahead of the time since
	// the frame before, in ticks: 10 s. Browsers start their clock model anew
	// after that.
	maxStep = 10 * 90_000
	// origin is where positions of sequence numbers start, so that none is negative.
	origin = 1 << 16
)

// segment is one source's part of the outgoing stream. Sequence numbers are kept
// as positions and timestamps as instants, which do not wrap.
type segment struct {
	source, ssrc uint32

	// first is the packet that the source begins with, newest the newest one
	// written; first-1 before that.
	first, newest   int64
	newestTimestamp int64
	// outFirst is first's position in the outgoing stream.
	outFirst   int64
	timestamps timestamps

	// The offsets are set by the first packet that has what they are added to.
	hasPictureID, hasTL0 bool
	pictureIDOffset      uint16
	tl0Offset            uint8
	// pictureIDAt and tl0At are the newest packets that had them.
	pictureIDAt, tl0At int64
}

// newSegment looks through the packets that a source begins with. What depends on
// the outgoing stream is left to the caller.
func newSegment(source uint32, picture iter.Seq[[]byte]) (s segment, ok bool) {
	for raw := range picture {
		p, valid := parse(raw)

		switch {
		case !valid:
			return segment{}, false
		case !ok:
			if !p.isKeyFrameStart() {
				return segment{}, false
			}

			s = segment{source: source, ssrc: p.SSRC, first: origin + int64(p.Sequence)}
			s.timestamps.begin(int64(p.Timestamp))
			s.newest, s.newestTimestamp = s.first, s.timestamps.first
			ok = true
		default:
			position, timestamp := s.position(&p)
			if p.SSRC != s.ssrc || position != s.newest+1 || !s.follows(position, timestamp, 0) {
				return segment{}, false
			}

			s.timestamps.join(timestamp)
			s.newest, s.newestTimestamp = position, timestamp
		}
	}

	s.timestamps.scale()
	s.newest, s.newestTimestamp = s.first-1, s.timestamps.first

	return s, ok && s.timestamps.joined-s.timestamps.first < 1<<30
}

// used tells whether a packet was written.
func (s *segment) used() bool { return s.newest >= s.first }

// position returns where a packet is in the source, and when: nearest to the
// newest one.
func (s *segment) position(p *incoming) (position, timestamp int64) {
	return s.newest + int64(int16(p.Sequence-uint16(s.newest))),
		s.newestTimestamp + int64(int32(p.Timestamp-uint32(s.newestTimestamp)))
}

// follows tells whether a packet is newer than the newest, and the time since
// the last frame can be why it has its timestamp.
func (s *segment) follows(position, timestamp int64, since time.Duration) bool {
	ahead, step := position-s.newest, timestamp-s.newestTimestamp

	return ahead > 0 && ahead < reach && step >= 0 && step <= maxStep+int64(ticks(since))
}

// isLate tells whether a packet is of the part that is written, or a gap in it.
func (s *segment) isLate(position int64) bool {
	return position >= s.first && position <= s.newest && s.newest-position < reach
}

// leaps tells whether a packet is neither late nor too early to belong here.
func (s *segment) leaps(position int64) bool {
	return position > s.newest || position <= s.newest-reach
}

// covers tells whether the source has had a timestamp already.
func (s *segment) covers(timestamp int64) bool {
	return timestamp >= s.timestamps.first && timestamp <= s.newestTimestamp
}

// anchor makes the first picture id and TL0PICIDX of the source the given ones.
func (s *segment) anchor(d vp8.Descriptor, pictureID uint16, tl0 uint8) {
	if d.HasPictureID && !s.hasPictureID {
		s.hasPictureID, s.pictureIDOffset = true, pictureID-d.PictureID
	}

	if d.HasTL0 && !s.hasTL0 {
		s.hasTL0, s.tl0Offset = true, tl0-d.TL0
	}
}

// anchored tells whether Write has seen what p has.
func (s *segment) anchored(p *incoming) bool {
	return (s.hasPictureID || !p.descriptor.HasPictureID) && (s.hasTL0 || !p.descriptor.HasTL0)
}

// pictureID returns the outgoing picture id, of as many bits as the source's.
func (s *segment) pictureID(d vp8.Descriptor) uint16 {
	return (d.PictureID + s.pictureIDOffset) & (1<<d.PictureIDBits - 1)
}

// outgoing returns a position in the outgoing stream.
func (s *segment) outgoing(position int64) int64 { return s.outFirst + position - s.first }

// rewrite makes the outgoing packet of p in dst, which is large enough.
func (s *segment) rewrite(dst []byte, p *incoming, position, timestamp int64, ssrc uint32, pt uint8) int {
	dst = dst[:p.outgoingSize()]
	dst[0], dst[1] = 0x80, pt&0x7f // version 2, and nothing else

	if p.Marker {
		dst[1] |= 0x80
	}

	binary.BigEndian.PutUint16(dst[2:], uint16(s.outgoing(position)))
	binary.BigEndian.PutUint32(dst[4:], s.timestamps.outgoing(timestamp))
	binary.BigEndian.PutUint32(dst[8:], ssrc)

	payload := dst[packet.HeaderSize:]
	copy(payload, p.payload)

	if p.descriptor.HasPictureID {
		vp8.SetPictureID(payload, s.pictureID(p.descriptor))
	}

	if p.descriptor.HasTL0 {
		vp8.SetTL0(payload, p.descriptor.TL0+s.tl0Offset)
	}

	return len(dst)
}
