package media

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

// ErrSlot says that the viewer has no such slot.
var ErrSlot = errors.New("no such slot")

// Viewer is a viewer's connection: as many slots as its offer has video
// sections. Its methods are safe for concurrent use.
type Viewer struct {
	engine *Engine
	peer   *transport.Peer
	local  negotiate.ICE
	slots  []*Slot
	ssrcs  []uint32 // of all slots
	// woken receives after a slot has changed.
	woken chan struct{}

	connected bool // guarded by the hub

	repeats  bucket // of the reading goroutine
	rtt      atomic.Int64
	lost     atomic.Uint64 // of 256, the worst slot's in the last report
	reportAt time.Time     // of the tick
}

// repeatBitrate bounds what a viewer can have repeated, in bits per second, so
// that requests cost their sender more than us.
const repeatBitrate = 2_000_000

func newViewer(e *Engine, offer *negotiate.Offer) *Viewer {
	v := &Viewer{engine: e, woken: make(chan struct{}, 1), repeats: newBucket(repeatBitrate)}

	for i := range offer.Videos {
		slot := newSlot(v, i)
		slot.payloadType, slot.rtx = offer.Videos[i].PayloadType, offer.Videos[i].RTX
		v.slots = append(v.slots, slot)
	}

	return v
}

// describe is what the answer says of the slots. Each is a stream of its own:
// pictures of different students need no synchronisation.
func (v *Viewer) describe() []negotiate.Slot {
	slots := make([]negotiate.Slot, 0, len(v.slots))

	for _, s := range v.slots {
		name := "slot-" + strconv.Itoa(s.index)
		slots = append(slots, negotiate.Slot{
			SSRC: s.ssrc, RTXSSRC: s.rtxSSRC, StreamID: name, TrackID: name, CNAME: name,
		})
	}

	return slots
}

// Slots is how many there are.
func (v *Viewer) Slots() int { return len(v.slots) }

// State is conn.Peer's, as are the next ones.
func (v *Viewer) State() conn.State { return v.peer.State() }

// Changed receives after State has changed.
func (v *Viewer) Changed() <-chan struct{} { return v.peer.Changed() }

// Restart gives it new ICE credentials.
func (v *Viewer) Restart() negotiate.ICE { return v.peer.Restart() }

// Connected must be called once State is: from then on slots show something.
func (v *Viewer) Connected() { v.engine.hub.connected(v) }

// Close frees the slots and ends the connection.
func (v *Viewer) Close() {
	v.engine.hub.removeViewer(v)
	v.peer.Close()
}

// Assign makes a slot show a student, in a layer: at once, where the student is
// publishing, and else as soon as that happens.
func (v *Viewer) Assign(slot int, student string, layer wire.Layer) error {
	return v.command(slot, func(s *Slot, out *socket.Batch) { v.engine.hub.assign(s, student, layer, out) })
}

// SetLayer changes the layer of what a slot shows.
func (v *Viewer) SetLayer(slot int, layer wire.Layer) error {
	return v.command(slot, func(s *Slot, out *socket.Batch) {
		switch {
		case s.student == "":
		case s.paused:
			s.layer = layer
		default:
			v.engine.hub.assign(s, s.student, layer, out)
		}
	})
}

// Pause stops sending to a slot; the student stays assigned.
func (v *Viewer) Pause(slot int) error {
	return v.command(slot, func(s *Slot, _ *socket.Batch) { v.engine.hub.pause(s) })
}

// Resume goes on where Pause stopped, with what the student shows now.
func (v *Viewer) Resume(slot int) error {
	return v.command(slot, func(s *Slot, out *socket.Batch) {
		if s.paused {
			v.engine.hub.assign(s, s.student, s.layer, out)
		}
	})
}

// Release makes a slot free.
func (v *Viewer) Release(slot int) error {
	return v.command(slot, func(s *Slot, _ *socket.Batch) { v.engine.hub.release(s) })
}

func (v *Viewer) command(slot int, change func(s *Slot, out *socket.Batch)) error {
	if slot < 0 || slot >= len(v.slots) {
		return ErrSlot
	}

	v.engine.hub.update(func(out *socket.Batch) {
		// After Close nobody would free the slot.
		if _, open := v.engine.hub.viewers[v]; !open {
			return
		}

		change(v.slots[slot], out)
		v.slots[slot].tell()
	})

	return nil
}

// Woken receives after a slot has changed; Changes says which.
func (v *Viewer) Woken() <-chan struct{} { return v.woken }

func (v *Viewer) wake() {
	select {
	case v.woken <- struct{}{}:
	default:
	}
}

// Changes returns what slots show that have changed since the last call.
func (v *Viewer) Changes() []wire.ViewEvent {
	h := v.engine.hub

	h.mu.Lock()
	defer h.mu.Unlock()

	var events []wire.ViewEvent

	for _, s := range v.slots {
		if event, changed := s.describe(); changed {
			events = append(events, event)
		}
	}

	return events
}

// describe says what the slot shows, and whether that is news. The hub is locked.
func (s *Slot) describe() (event wire.ViewEvent, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	changed, s.changed = s.changed, false
	event = wire.ViewEvent{Type: "slot", Slot: &s.index, Student: s.student}

	event.State = s.stateLocked()

	switch event.State {
	case wire.SlotPending:
		event.Reason = s.pending
	case wire.SlotPlaying:
		first := s.first
		event.Layer, event.RTPTimestamp = s.source.name(), &first
	}

	return event, changed
}

// state is what the slot shows. The hub is locked.
func (s *Slot) state() wire.SlotState {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.stateLocked()
}

func (s *Slot) stateLocked() wire.SlotState {
	switch {
	case s.student == "":
		return wire.SlotFree
	case s.paused:
		return wire.SlotPaused
	case s.source == nil:
		return wire.SlotPending
	default:
		return wire.SlotPlaying
	}
}

// name is what viewers call the layer: the one with the largest picture of two
// is the high one.
func (s *Stream) name() wire.Layer {
	for _, other := range s.publisher.layers {
		if size := other.size.Load(); size > 0 && size < s.size.Load() {
			return wire.LayerHigh
		}
	}

	return wire.LayerLow
}
