// Package splice makes one continuous RTP stream of VP8 (RFC 3550, RFC 7741) out
// of many: what a viewer sees may change from stream to stream at any key frame,
// and the decoder must not notice.
//
// Within a source everything moves by constants: sequence numbers, picture ids
// and TL0PICIDX by what makes them follow on the source before, timestamps by
// what makes them follow in wall-clock time. So loss and reordering pass through
// as they came, and a retransmission is the same computation again.
//
// Timestamps have one exception, the frames that are sent at once when a source
// begins with packets from a cache: see Begin.
//
// What comes in is a student's and may be anything. Whatever it is, an outgoing
// sequence number stands for one source packet only (SRTP must never encrypt two
// with one index), as long as the caller drops what a ring refuses, and
// timestamps never go back with the sequence. A source whose sequence numbers
// or timestamps jump is not forwarded until its next key frame, where it is
// spliced onto itself.
package splice

import (
	"iter"
	"time"

	"github.com/invigil/invigil/sfu/vp8"
)

// history is how many sources, the one now included, Source and Repeat look
// back on: those of the last four splices. A viewer asks for a lost packet
// within a second or so.
const history = 5

// Output is one outgoing RTP stream. It is not safe for concurrent use.
type Output struct {
	ssrc uint32
	// segments are the sources, newest first; begun is how many there are.
	segments [history]segment
	begun    int

	// What was sent last, by sequence. sequence is a position: it does not wrap.
	sequence  int64
	timestamp uint32
	pictureID uint16
	tl0       uint8
	// sentAt is when timestamp was sent first; zero before the first packet.
	sentAt time.Time
}

// New returns a stream without a source. firstSequence and firstTimestamp are
// its first packet's and should be random (RFC 3550, section 5.1).
func New(ssrc uint32, firstSequence uint16, firstTimestamp uint32) *Output {
	return &Output{ssrc: ssrc, sequence: origin + int64(firstSequence) - 1, timestamp: firstTimestamp}
}

// Begin changes to a source, which the caller knows by a number. picture is its
// packets from the start of a key frame to the newest, in sequence and without
// a gap (ring.SinceKeyFrame, which ends with the packet that just came if that
// is the key frame's start); they are to be written next, in this order. It is
// not ok, and the source before goes on, if picture is none of that.
//
// The first packet follows on the last one sent, in sequence number, picture id
// and TL0PICIDX; gaps at the end of the source before are closed by it. The
// newest packet's timestamp moves on by the time since the last frame sent: live
// packets have source timestamps plus a constant from there on. The frames in
// front of it get timestamps about 1 ms apart, so that a browser shows them at
// once and not at their old pace: the source's own distances, scaled, and scaled
// less where that would make two frames one. They fill the time that has passed
// since the last frame sent; where that is too short, the newest is ahead of
// wall-clock time by the rest, 45 ms for 45 frames at most.
//
// Nothing is counted until a packet is written.
func (o *Output) Begin(source uint32, picture iter.Seq[[]byte], now time.Time) bool {
	s, ok := newSegment(source, picture)
	if !ok {
		return false
	}

	s.outFirst = o.sequence + 1
	s.timestamps.out = o.timestamp

	if !o.sentAt.IsZero() {
		span := s.timestamps.span
		s.timestamps.out += max(ticks(now.Sub(o.sentAt)), span+1) - span
	}

	// A source that nothing was sent of leaves no trace.
	if o.begun == 0 || o.segments[0].used() {
		copy(o.segments[1:], o.segments[:history-1])
		o.begun = min(o.begun+1, history)
	}

	o.segments[0] = s

	return true
}

// Write copies a packet of the source into dst with its header and descriptor
// rewritten, and returns the size, 12 bytes of header included: marker and
// payload stay; contributing sources, header extensions and padding go.
//
// n is 0 for what does not belong into the stream: packets before the source's
// first, of another SSRC (late ones of the source before), malformed ones, those
// that jump (see the package), and any that dst, which should be as large as
// packet, cannot hold. dst and raw must not overlap.
//
// A packet of padding only is forwarded without a payload, so that its sequence
// number is no loss to anybody: libwebrtc, and so Chrome, Firefox and Safari,
// takes an empty payload as padding or keep-alive, which fills the gap. A
// malformed descriptor is a loss: those browsers refuse it as well.
func (o *Output) Write(dst, raw []byte, pt uint8, now time.Time) (n int) {
	p, ok := parse(raw)
	if !ok || o.begun == 0 || p.SSRC != o.segments[0].ssrc || len(dst) < p.outgoingSize() {
		return 0
	}

	s := &o.segments[0]
	position, timestamp := s.position(&p)

	switch {
	case s.isLate(position) && s.covers(timestamp):
	case s.follows(position, timestamp, now.Sub(o.sentAt)):
		s.newest, s.newestTimestamp = position, timestamp
		o.sequence = s.outgoing(position)

		if out := s.timestamps.outgoing(timestamp); out != o.timestamp || o.sentAt.IsZero() {
			o.timestamp, o.sentAt = out, now
		}
	case s.leaps(position) && p.isKeyFrameStart():
		// Begun anew, it follows.
		if !o.Begin(s.source, func(yield func([]byte) bool) { yield(raw) }, now) {
			return 0
		}

		return o.Write(dst, raw, pt, now)
	default:
		return 0
	}

	o.count(s, p.descriptor, position)

	return s.rewrite(dst, &p, position, timestamp, o.ssrc, pt)
}

// count follows the picture ids and TL0PICIDX of s, the source now. The newest
// packet that has one need not be the newest packet: that may be padding, and
// come before the frame in front of it.
func (o *Output) count(s *segment, d vp8.Descriptor, position int64) {
	s.anchor(d, o.pictureID+1, o.tl0+1)

	if d.HasPictureID && position >= s.pictureIDAt {
		o.pictureID, s.pictureIDAt = s.pictureID(d), position
	}

	if d.HasTL0 && position >= s.tl0At {
		o.tl0, s.tl0At = d.TL0+s.tl0Offset, position
	}
}
