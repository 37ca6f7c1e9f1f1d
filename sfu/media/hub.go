package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/socket"
)

// lowerAfter is how long a publisher goes on as it was asked to after viewers
// want less: who scrolls comes back.
const lowerAfter = 3 * time.Second

// hub brings publishers and slots together by the student's name. A slot may be
// there before its student, and after; the student may publish again.
type hub struct {
	engine  *Engine
	streams atomic.Uint32 // the last number given

	mu         sync.Mutex
	publishers map[*Publisher]struct{}
	viewers    map[*Viewer]struct{}
	feeds      map[string]*feed
	// left is why students ended who have published here; there are as many as
	// the exam has.
	left map[string]wire.SlotReason
	// touched are students of whom viewers may want something else now.
	touched []string
	ticks   int
	// changed is called after a publisher's Wanted has changed, with the hub
	// unlocked.
	changed func()
}

// feed is a student as viewers know it: there while somebody publishes or
// watches under the name.
type feed struct {
	publisher *Publisher // nil while nobody publishes
	// reason is why nobody does.
	reason wire.SlotReason
	slots  []*Slot
}

func newHub(e *Engine) *hub {
	return &hub{
		engine:     e,
		publishers: make(map[*Publisher]struct{}),
		viewers:    make(map[*Viewer]struct{}),
		feeds:      make(map[string]*feed),
		left:       make(map[string]wire.SlotReason),
		changed:    func() {},
	}
}

func (h *hub) nextStream() uint32 { return h.streams.Add(1) }

func (h *hub) addPublisher(p *Publisher) {
	h.mu.Lock()
	defer h.mu.Unlock()

	h.publishers[p] = struct{}{}
}

func (h *hub) removePublisher(p *Publisher) {
	h.mu.Lock()
	defer h.mu.Unlock()

	delete(h.publishers, p)
}

func (h *hub) addViewer(v *Viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()

	h.viewers[v] = struct{}{}
}

// connected begins to show what the viewer's slots are assigned to: before,
// packets would have gone nowhere, key frames among them.
func (h *hub) connected(v *Viewer) {
	h.update(func(out *socket.Batch) {
		v.connected = true

		for _, slot := range v.slots {
			if f := h.feeds[slot.student]; f != nil {
				h.connect(slot, f, time.Now(), out)
			}
		}
	})
}

// removeViewer frees the viewer's slots.
func (h *hub) removeViewer(v *Viewer) {
	h.update(func(*socket.Batch) {
		delete(h.viewers, v)

		for _, slot := range v.slots {
			h.release(slot)
		}
	})
}

// update calls change with the hub locked, brings what publishers are asked for
// in line with it, and tells.
func (h *hub) update(change func(out *socket.Batch)) {
	h.mu.Lock()
	h.engine.transport.Do(change)

	raised := h.raise(time.Now())
	h.mu.Unlock()

	if raised {
		h.changed()
	}
}

// feed returns the student's feed, made if need be.
func (h *hub) feed(student string) *feed {
	f := h.feeds[student]
	if f == nil {
		f = &feed{reason: wire.SlotNotPublishing}
		if reason, ok := h.left[student]; ok {
			f.reason = reason
		}

		h.feeds[student] = f
	}

	return f
}

// leave forgets a feed that nobody needs.
func (h *hub) leave(student string) {
	if f := h.feeds[student]; f != nil && f.publisher == nil && len(f.slots) == 0 {
		delete(h.feeds, student)
	}
}

// publish makes a publisher the student's. Slots that wait for the student get
// it. A publisher that was there before has left: sessions see to that.
func (h *hub) publish(student string, p *Publisher) {
	h.update(func(out *socket.Batch) {
		p.student = student
		f := h.feed(student)
		f.publisher = p
		h.touched = append(h.touched, student)

		for _, slot := range f.slots {
			h.connect(slot, f, time.Now(), out)
		}
	})
}

// unpublish ends what publish began.
func (h *hub) unpublish(p *Publisher, reason wire.SlotReason) {
	h.update(func(*socket.Batch) {
		f := h.feeds[p.student]
		if f == nil || f.publisher != p {
			return
		}

		for _, slot := range f.slots {
			h.disconnect(slot)

			if !slot.paused {
				slot.stop(reason)
			}
		}

		f.publisher, f.reason = nil, reason
		h.left[p.student] = reason
		h.leave(p.student)
	})
}

// assign makes a slot show a student, whatever it showed before.
func (h *hub) assign(slot *Slot, student string, layer wire.Layer, out *socket.Batch) {
	if slot.student != student {
		h.release(slot)

		f := h.feed(student)
		f.slots = append(f.slots, slot)
		slot.student = student
	}

	h.touched = append(h.touched, student)
	slot.layer, slot.paused = layer, false
	h.connect(slot, h.feeds[student], time.Now(), out)
}

// pause stops sending, and resume goes on; the student stays assigned.
func (h *hub) pause(slot *Slot) {
	if slot.student == "" || slot.paused {
		return
	}

	h.touched = append(h.touched, slot.student)
	slot.paused = true
	h.disconnect(slot)
	slot.stop("")
}

// release makes a slot free.
func (h *hub) release(slot *Slot) {
	if slot.student == "" {
		return
	}

	h.disconnect(slot)

	h.touched = append(h.touched, slot.student)
	f := h.feeds[slot.student]
	f.slots = slices.DeleteFunc(f.slots, func(other *Slot) bool { return other == slot })
	h.leave(slot.student)
	slot.student, slot.paused = "", false
	slot.stop("")
}

// connect makes a slot show its student's stream of the layer that it wants, as
// far as there is one, and from now on if possible. Where another layer is shown
// already, that goes on until the wanted one has a picture.
func (h *hub) connect(slot *Slot, f *feed, now time.Time, out *socket.Batch) {
	if slot.paused {
		return
	}

	switch {
	case f.publisher == nil:
		slot.stop(f.reason)

		return
	case !slot.viewer.connected:
		slot.stop(wire.SlotNoKeyFrame)

		return
	}

	source, next := slot.shows()

	want := f.publisher.layer(slot.layer, now)
	if want == nil {
		// What has ended for the moment is no reason for a change.
		if source != nil || next != nil {
			return
		}

		want = f.publisher.layers[0]
	}

	switch {
	case next == want, source == want && next == nil:
	case source == want:
		slot.stay(want)
		h.tidy(slot)
	default:
		want.show(slot, now, out)
		h.tidy(slot)
	}
}

// disconnect takes a slot from its student's streams.
func (h *hub) disconnect(slot *Slot) {
	source, next := slot.shows()
	if source != nil {
		source.hide(slot)
	}

	if next != nil {
		next.hide(slot)
	}

	// A layer that it showed before.
	if f := h.feeds[slot.student]; f != nil && f.publisher != nil {
		for _, s := range f.publisher.layers {
			s.hide(slot)
		}
	}
}

// tidy takes a slot from the layers that it neither shows nor waits for.
func (h *hub) tidy(slot *Slot) {
	f := h.feeds[slot.student]
	if f == nil || f.publisher == nil {
		return
	}

	source, next := slot.shows()
	for _, s := range f.publisher.layers {
		if s != source && s != next {
			s.hide(slot)
		}
	}
}
