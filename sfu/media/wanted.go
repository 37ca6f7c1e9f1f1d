package media

import (
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/socket"
)

// reconsider is how many ticks are between two looks at whether slots show the
// best layer that there is.
const reconsider = 10

// rank orders what may be wanted.
func rank(w wire.WantedMedia) int {
	switch w {
	case wire.WantedHigh:
		return 2
	case wire.WantedLow:
		return 1
	default:
		return 0
	}
}

// wanted is what viewers want of the student now.
func (f *feed) wanted() wire.WantedMedia {
	wanted := wire.WantedTrickle

	for _, slot := range f.slots {
		switch {
		case slot.paused:
		case slot.layer == wire.LayerHigh && len(f.publisher.layers) > 1:
			return wire.WantedHigh
		default:
			wanted = wire.WantedLow
		}
	}

	return wanted
}

// raise asks touched publishers for more at once and for less later. It returns
// whether anything has changed for them.
func (h *hub) raise(now time.Time) bool {
	raised := false

	for _, student := range h.touched {
		f := h.feeds[student]
		if f == nil || f.publisher == nil {
			continue
		}

		switch p, wanted := f.publisher, f.wanted(); {
		case rank(wanted) > rank(p.Wanted()):
			p.wanted.Store(wanted)

			p.lowerAt, raised = time.Time{}, true
		case rank(wanted) == rank(p.Wanted()):
			p.lowerAt = time.Time{}
		case p.lowerAt.IsZero():
			p.lowerAt = now.Add(lowerAfter)
		}
	}

	h.touched = h.touched[:0]

	return raised
}

// tick does what is due, for everybody.
func (h *hub) tick(now time.Time, out *socket.Batch) {
	h.mu.Lock()

	h.ticks++
	again := h.ticks%reconsider == 0
	lowered, watched := false, false

	for _, f := range h.feeds {
		for _, slot := range f.slots {
			watched = watched || !slot.paused

			if again && f.publisher != nil {
				h.connect(slot, f, now, out)
				h.tidy(slot)
			}
		}
	}

	for p := range h.publishers {
		p.tick(now, watched, out)

		if !p.lowerAt.IsZero() && now.After(p.lowerAt) {
			p.lowerAt = time.Time{}

			if f := h.feeds[p.student]; f != nil && f.publisher == p {
				p.wanted.Store(f.wanted())

				lowered = true
			}
		}
	}

	for v := range h.viewers {
		v.report(now, out)
	}

	h.engine.transport.SetWatched(watched)
	h.mu.Unlock()

	if lowered {
		h.changed()
	}
}

// layer returns the stream that is best for who wants a layer: of those that the
// publisher sends, the smallest picture or the largest; nil while it sends none.
func (p *Publisher) layer(wanted wire.Layer, now time.Time) *Stream {
	var (
		best      *Stream
		bestWidth int
	)

	for _, s := range p.layers {
		s.mu.Lock()
		width, active := s.width, s.isActive(now)
		s.mu.Unlock()

		if active && (best == nil || isBetter(wanted, width, bestWidth)) {
			best, bestWidth = s, width
		}
	}

	return best
}

// isBetter compares pictures' widths. A layer whose first key frame has not come,
// width 0, is not better than any.
func isBetter(wanted wire.Layer, width, than int) bool {
	switch {
	case width == 0:
		return false
	case wanted == wire.LayerHigh:
		return width > than
	default:
		return than == 0 || width < than
	}
}
