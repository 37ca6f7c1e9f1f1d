package splice_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/ring"
	"github.com/invigil/invigil/sfu/splice"
)

// sent is an outgoing packet and where it came from.
type sent struct {
	raw      []byte
	from     []byte // the source packet
	source   uint32
	splice   int
	frame    uint32 // the source's timestamp
	sequence uint16 // the source's
}

// slot does what the caller of Output does, with rings in front of it, and keeps
// everything that goes out by position: sequence numbers that do not wrap.
type slot struct {
	testing.TB

	out    *splice.Output
	rings  map[uint32]*ring.Ring
	source uint32 // the one that is shown
	wanted uint32 // the one to be shown from its next picture on
	splice int
	now    time.Time

	sent          map[int]sent
	order         []int // positions as they went out
	first, newest int
	bursts        int
}

func newSlot(tb testing.TB, sequence uint16, timestamp uint32) *slot {
	tb.Helper()

	first := 1<<20 + int(sequence)

	return &slot{
		TB: tb, out: splice.New(outSSRC, sequence, timestamp), rings: map[uint32]*ring.Ring{},
		now: start, sent: map[int]sent{}, first: first, newest: first - 1,
	}
}

// arrive takes a packet from a source.
func (s *slot) arrive(source uint32, raw []byte) {
	if s.rings[source] == nil {
		s.rings[source] = ring.New(64 << 10)
	}

	kept := s.rings[source]
	if !kept.Put(header(raw).Sequence, raw, isKeyFrameStart(raw)) {
		return
	}

	if s.wanted == source && s.out.Begin(source, kept.SinceKeyFrame, s.now) {
		s.source, s.wanted = source, 0
		s.splice++
		burst := 0

		for cached := range kept.SinceKeyFrame {
			s.write(cached)

			burst++
		}

		if burst > 1 {
			s.bursts++
		}

		return
	}

	if s.source == source {
		s.write(raw)
	}
}

func (s *slot) write(raw []byte) {
	dst := make([]byte, len(raw))

	n := s.out.Write(dst, raw, 96, s.now)
	if n == 0 {
		return
	}

	in, out := header(raw), header(dst[:n])
	position := s.newest + int(int16(out.Sequence-uint16(s.newest)))

	if _, twice := s.sent[position]; twice {
		s.Fatalf("%d is sent twice", out.Sequence)
	}

	s.sent[position] = sent{
		raw: dst[:n], from: bytes.Clone(raw), source: s.source, splice: s.splice, frame: in.Timestamp, sequence: in.Sequence,
	}
	s.order = append(s.order, position)
	s.newest = max(s.newest, position)
}

// checkHistory: what went out within the last four splices can be found and
// repeated; what is older is not mistaken for anything else. Sources that jump are
// spliced onto themselves, so with hostile ones less can be found.
func (s *slot) checkHistory(random *rand.Rand, hostile bool) {
	s.Helper()

	for range 20 {
		position := s.newest - random.IntN(3000)
		want, was := s.sent[position]
		source, sequence, ok := s.out.Source(uint16(position))

		if !was {
			continue // lost, or before the first
		}

		if ok != (want.splice >= s.splice-4) && !hostile || ok && (source != want.source || sequence != want.sequence) {
			s.Fatalf("%d: source %d, %d, %v; want %+v at splice %d", uint16(position), source, sequence, ok, want, s.splice)
		}

		dst := make([]byte, len(want.from))
		if n := s.out.Repeat(dst, uint16(position), want.from, 96); ok != (n > 0) || ok && !bytes.Equal(dst[:n], want.raw) {
			s.Fatalf("%d: repeated as %x, want %x", uint16(position), dst[:n], want.raw)
		}
	}
}

// checkStream: what a receiver sees is one stream.
func (s *slot) checkStream() {
	s.Helper()

	positions := slices.Sorted(maps.Keys(s.sent))
	if len(positions) > 0 && positions[0] != s.first {
		s.Fatalf("begins at %d", positions[0]-s.first)
	}

	var pictureID, tl0 *seen // the last packets that have them

	frames := map[*seen]sent{} // of those two

	for i, position := range positions {
		packet, after := see(s, s.sent[position].raw), s.sent[position]

		if i > 0 {
			s.checkNeighbours(position, position-positions[i-1], s.sent[positions[i-1]], after)
		}

		// A picture id per frame, over splices as well; frames may be lost.
		if packet.vp8.I == 1 {
			if pictureID != nil {
				s.checkCounter("picture id", packet.vp8.PictureID-pictureID.vp8.PictureID, idMask(packet, *pictureID),
					see(s, after.from).vp8.PictureID-see(s, frames[pictureID].from).vp8.PictureID,
					frames[pictureID].splice == after.splice)
			}

			pictureID = &packet
			frames[pictureID] = after
		}

		if packet.vp8.L == 1 {
			if tl0 != nil {
				s.checkCounter("TL0PICIDX", uint16(packet.vp8.TL0PICIDX-tl0.vp8.TL0PICIDX), 0xff,
					uint16(see(s, after.from).vp8.TL0PICIDX-see(s, frames[tl0].from).vp8.TL0PICIDX),
					frames[tl0].splice == after.splice)
			}

			tl0 = &packet
			frames[tl0] = after
		}
	}
}

func idMask(a, b seen) uint16 {
	if a.seven || b.seven {
		return 0x7f
	}

	return 0x7fff
}

// checkCounter: within a source a counter moves as the source's does, and from
// source to source by one.
func (s *slot) checkCounter(name string, step, mask, sourceStep uint16, same bool) {
	s.Helper()

	want := uint16(1)
	if same {
		want = sourceStep
	}

	if (step-want)&mask != 0 {
		s.Fatalf("%s moves by %d, want %d; same source: %v", name, step, want, same)
	}
}

func (s *slot) checkNeighbours(position, distance int, before, after sent) {
	s.Helper()

	step := header(after.raw).Timestamp - header(before.raw).Timestamp

	if before.splice != after.splice {
		if distance != 1 || after.splice != before.splice+1 {
			s.Fatalf("splice %d follows on splice %d after %d packets", after.splice, before.splice, distance)
		}
	} else if want := int(after.sequence - before.sequence); distance != want {
		s.Fatalf("%d: %d packets on, want %d", position, distance, want)
	}

	if same := before.splice == after.splice && before.frame == after.frame; same != (step == 0) || int32(step) < 0 {
		s.Fatalf("%d: %d ticks on; same frame: %v", position, int32(step), same)
	}
}

// checkHostile: time never goes back from one packet to a newer one that came
// later, whatever a source does.
func (s *slot) checkHostile() {
	s.Helper()

	newest := -1

	for i, position := range s.order {
		if i == 0 && position != s.first {
			s.Fatalf("begins at %d", position-s.first)
		}

		if newest >= 0 && position > newest {
			before, after := s.sent[newest], s.sent[position]

			step := int32(header(after.raw).Timestamp - header(before.raw).Timestamp)
			if step < 0 || step == 0 && (before.frame != after.frame || before.source != after.source) {
				s.Fatalf("%d ticks from %d to %d", step, newest, position)
			}
		}

		newest = max(newest, position)
	}
}
