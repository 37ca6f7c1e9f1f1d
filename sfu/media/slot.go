package media

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/splice"
)

// maxPicture is how many packets are sent at once so that a slot shows a
// picture. Beyond it only the key frame is sent, and the publisher is asked for
// another. 25 slots that are assigned at once send 25 such bursts: on a link of
// 20 Mbit/s pages of 25 took 1.8 s (p95) to show with 80 packets, 0.4 s with 30 and
// 0.3 s with 12 (the bad link of test/browser/tests/wall.test.mjs).
const maxPicture = 24

// rtpHeader is an RTP header's size without extensions, in bytes.
const rtpHeader = packet.HeaderSize

// Slot is one outgoing stream of a viewer. It shows one stream at a time, and
// goes on over all changes.
type Slot struct {
	viewer *Viewer
	index  int
	// Identity on the wire.
	ssrc, rtxSSRC    uint32
	payloadType, rtx uint8

	// guarded by the hub
	student string
	layer   wire.Layer
	paused  bool

	mu     sync.Mutex
	output *splice.Output
	// source is the stream that is shown, next the one that will be from its next
	// key frame on, which may be the same one.
	source, next *Stream
	// still: what follows on what was sent of source was not sent, so that it can
	// only go on with a key frame.
	still bool
	// recent are the streams that packets may still be asked for of.
	recent  [4]*Stream
	pending wire.SlotReason // why nothing is shown, while source is nil
	// rtxSequence is that of the next retransmission.
	rtxSequence uint16
	last        struct { // packet sent
		timestamp uint32
		at        time.Time
	}
	packets, octets uint32 // sent
	// first is the timestamp of the source's first packet; begun: it has none yet.
	first       uint32
	begun       bool
	refreshedAt time.Time
	// changed: the viewer has not been told what is shown now.
	changed bool
}

func newSlot(v *Viewer, index int) *Slot {
	s := &Slot{viewer: v, index: index, rtxSequence: uint16(rand.Uint32())} //nolint:gosec // a part of it
	s.ssrc = newSSRC(v.ssrcs)
	v.ssrcs = append(v.ssrcs, s.ssrc)
	s.rtxSSRC = newSSRC(v.ssrcs)
	v.ssrcs = append(v.ssrcs, s.rtxSSRC)
	s.output = splice.New(s.ssrc, uint16(rand.Uint32()), rand.Uint32()) //nolint:gosec // a part of it

	return s
}

// forward sends a packet of a stream on, if the slot shows that stream or has
// waited for this key frame of it. The stream is locked.
func (s *Slot) forward(from *Stream, raw []byte, key bool, now time.Time, out *socket.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()

	switch {
	case s.next == from:
		// Where its start came late, the rest of the key frame is there already.
		if key && s.beginWith(from, from.ring.SinceKeyFrame, now) {
			for raw := range from.ring.SinceKeyFrame {
				s.write(raw, now, out)
			}
		}
	case s.source == from && !s.still:
		s.write(raw, now, out)
	}
}

// write sends one packet of the source.
func (s *Slot) write(raw []byte, now time.Time, out *socket.Batch) {
	buffer := out.Buffer()

	n := s.output.Write(buffer, raw, s.payloadType, now)
	if n == 0 {
		return
	}

	s.last.timestamp, s.last.at = timestampOf(buffer), now

	if s.begun {
		s.begun, s.first = false, s.last.timestamp
	}

	s.octets += uint32(n - rtpHeader) //nolint:gosec // modulo 2^32
	s.packets++
	s.viewer.peer.SendRTP(out, n)
}

// begin shows a stream from its cache: the last key frame and what follows it.
// It returns whether that shows a picture, and whether it goes on from there
// without another key frame. The stream is locked.
func (s *Slot) begin(from *Stream, now time.Time, out *socket.Batch) (shown, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	picture, whole := from.picture()
	if picture == nil || !s.beginWith(from, picture, now) {
		s.next = from

		if s.source == nil {
			s.setPending(wire.SlotNoKeyFrame)
		}

		return false, false
	}

	for raw := range picture {
		s.write(raw, now, out)
	}

	if !whole {
		s.next, s.still = from, true
	}

	return true, whole
}

// beginWith splices the stream's picture to what was shown.
func (s *Slot) beginWith(from *Stream, picture func(func([]byte) bool), now time.Time) bool {
	if !s.output.Begin(from.id, picture, now) {
		return false
	}

	if s.recent[0] != from {
		copy(s.recent[1:], s.recent[:])
		s.recent[0] = from
	}

	if s.source != from {
		s.changed, s.begun = true, true
	}

	s.source, s.next, s.still, s.pending = from, nil, false, ""
	s.refreshedAt = now

	if s.changed {
		s.viewer.wake()
	}

	return true
}

// picture is what shows the stream at once: its packets from the start of the
// last key frame on, or the key frame alone if that would be too many; nil if
// there is none. whole: it ends with the newest packet.
func (s *Stream) picture() (picture func(func([]byte) bool), whole bool) {
	first, ok := s.ring.KeyFrame()
	if !ok {
		return nil, false
	}

	timestamp, newest, n := timestampOf(s.ring.Get(first)), uint32(0), 0
	for raw := range s.ring.SinceKeyFrame {
		newest = timestampOf(raw)
		n++
	}

	if n <= maxPicture || newest == timestamp {
		return s.ring.SinceKeyFrame, true
	}

	return func(yield func([]byte) bool) {
		for raw := range s.ring.SinceKeyFrame {
			if timestampOf(raw) != timestamp || !yield(raw) {
				return
			}
		}
	}, false
}

// stay has the slot go on with the stream that it shows, and wait for no other.
func (s *Slot) stay(source *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.source != source {
		return // too late: the other has begun
	}

	s.next = nil
	if s.still {
		s.next = source
	}
}

// interrupt has the slot wait for the stream's next key frame: its packets do
// not follow on those that were sent. The stream is locked.
func (s *Slot) interrupt(source *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.source != source {
		return
	}

	s.still = true
	if s.next == nil {
		s.next = source
	}
}

// stop shows nothing any more, for a reason.
func (s *Slot) stop(reason wire.SlotReason) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.source, s.next, s.still = nil, nil, false
	s.setPending(reason)
}

func (s *Slot) setPending(reason wire.SlotReason) {
	s.pending = reason
	s.changed = true
	s.viewer.wake()
}

// tell has the viewer told what the slot shows.
func (s *Slot) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.changed = true
	s.viewer.wake()
}

// shows returns the stream that is shown, and the one that is waited for.
func (s *Slot) shows() (source, next *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.source, s.next
}
