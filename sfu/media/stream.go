package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/invigil/invigil/sfu/arrival"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/ring"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/vp8"
)

const (
	// activeFor is how long after a packet a stream counts as sent: longer than
	// the pause between two frames of a trickle.
	activeFor = 2 * time.Second

	// askInterval is how often a publisher is asked for a key frame, however many
	// want one: requests get lost, and so do the answers.
	askInterval = 500 * time.Millisecond
)

// Stream is one layer of a publisher: its packets, kept once, and the slots that
// show it.
type Stream struct {
	publisher *Publisher
	rid       string
	// id is the stream's number among all of the process, for splice.
	id uint32

	// What the publisher calls it; 0: not known yet.
	ssrc, repairSSRC atomic.Uint32

	// size is the width of its last key frame, in pixels; 0: none has come.
	size atomic.Int32

	mu        sync.Mutex
	ring      *ring.Ring
	log       arrival.Log
	assembler keyframe.Assembler
	// slots are those that show the stream and those that want to, from its next
	// key frame on.
	slots         []*Slot
	width, height int
	packets       uint64
	bytes         uint64
	receivedAt    time.Time
	askedAt       time.Time
	wantsKeyFrame bool
}

func newStream(p *Publisher, rid string) *Stream {
	return &Stream{publisher: p, rid: rid, id: p.engine.hub.nextStream(), ring: ring.New(p.engine.options.RingSize)}
}

// receive keeps a packet and forwards it to every slot that shows the stream.
// This is the hot path: all that happens to a packet is on this screen.
func (s *Stream) receive(raw []byte, h packet.Header, now time.Time, out *socket.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()

	payload := raw[h.PayloadOffset:h.PayloadEnd]

	d, ok := vp8.ParseDescriptor(payload)
	if !ok && len(payload) > 0 { // without a payload it is padding, which keeps its place
		s.publisher.engine.counts.drop(dropRTP)

		return
	}

	key := vp8.IsKeyFrameStart(payload, d)

	if !s.ring.Put(h.Sequence, raw, key) {
		s.publisher.engine.counts.drop(dropDuplicate)

		return
	}

	s.log.Packet(h.Sequence, h.Timestamp, now)
	s.packets++
	s.bytes += uint64(len(raw))
	s.receivedAt = now

	if key {
		s.width, s.height, _ = vp8.FrameSize(payload, d)
		s.size.Store(int32(s.width)) //nolint:gosec // 14 bits
	}

	if frame := s.assembler.Push(h, payload, d); frame != nil {
		s.wantsKeyFrame = false
		s.publisher.keep(frame, s.width, now)
	}

	for _, slot := range s.slots {
		slot.forward(s, raw, key, now, out)
	}
}

// skip takes note of a packet that goes no further, so that the publisher is not
// asked for it again.
func (s *Stream) skip(h packet.Header, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.log.Packet(h.Sequence, h.Timestamp, now)
}

// restart forgets what came from the SSRC before: another has taken its place.
func (s *Stream) restart(ssrc uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.ssrc.Store(ssrc)
	s.ring.Reset()
	s.log = arrival.Log{}
	s.assembler = keyframe.Assembler{}
	s.wantsKeyFrame = true

	for _, slot := range s.slots {
		slot.interrupt(s)
	}
}

// show makes the slot show the stream: at once, if there is a picture, or from
// the next key frame on. It returns whether it does. The hub is locked.
func (s *Stream) show(slot *Slot, now time.Time, out *socket.Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	if !slices.Contains(s.slots, slot) {
		s.slots = append(s.slots, slot)
	}

	shown, whole := slot.begin(s, now, out)
	out.Flush() // before what comes next is forwarded
	if !whole {
		s.wantsKeyFrame = true
	}

	return shown
}

// hide ends what show began. The hub is locked.
func (s *Stream) hide(slot *Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.slots = slices.DeleteFunc(s.slots, func(other *Slot) bool { return other == slot })
}

// isActive is active with the stream locked.
func (s *Stream) isActive(now time.Time) bool {
	return s.packets > 0 && now.Sub(s.receivedAt) < activeFor
}

// wantKeyFrame has the publisher asked for a key frame at the next tick.
func (s *Stream) wantKeyFrame() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.wantsKeyFrame = true
}
