package media

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

// Publisher is a publisher's connection: one or two layers of one camera.
type Publisher struct {
	engine *Engine
	peer   *transport.Peer
	local  negotiate.ICE
	video  negotiate.Video
	ssrc   uint32 // ours, in reports

	// layers never change; which SSRC is which of them is learned from packets.
	layers []*Stream
	bucket bucket

	packets, bytes atomic.Uint64
	keyFrames      keyframe.Latest
	wanted         atomic.Value // wire.WantedMedia

	feedback feedback

	// guarded by the hub
	student string // "" unless published
	lowerAt time.Time

	mu        sync.Mutex
	limitedAt time.Time
	largest   struct { // of the key frames
		width int
		at    time.Time
	}
}

func newPublisher(e *Engine, video *negotiate.Video) *Publisher {
	p := &Publisher{engine: e, video: *video, ssrc: newSSRC(video.SSRCs)}
	p.wanted.Store(wire.WantedTrickle)
	p.bucket = newBucket(e.options.MaxBitrate)
	p.feedback.recorder = twcc.NewRecorder(p.ssrc)

	rids := video.RIDs
	if len(rids) == 0 {
		rids = []string{""}
	}

	for _, rid := range rids {
		p.layers = append(p.layers, newStream(p, rid))
	}

	return p
}

// RTP takes a packet: it finds the packet's stream, which does the rest.
func (p *Publisher) RTP(raw []byte, now time.Time, out *socket.Batch) {
	h, ok := packet.Parse(raw)
	if !ok {
		p.engine.counts.drop(dropRTP)

		return
	}

	p.feedback.arrived(raw, p.video.Extensions.TransportCC, h.SSRC, now)

	s, repair := p.find(raw, h)

	if !p.bucket.take(len(raw), now) {
		p.limit(now)

		if s != nil && !repair {
			s.skip(h, now)
		}

		return
	}

	if s != nil && repair {
		raw, h, ok = s.restore(raw, h, p.video.PayloadType)
	}

	if s == nil || !ok {
		p.engine.counts.drop(dropRTP)

		return
	}

	p.packets.Add(1)
	p.bytes.Add(uint64(len(raw)))
	s.receive(raw, h, now, out)
}

// find returns the layer that a packet belongs to, and whether it is one that
// repeats another.
func (p *Publisher) find(raw []byte, h packet.Header) (s *Stream, repair bool) {
	for _, s := range p.layers {
		switch h.SSRC {
		case s.ssrc.Load():
			return s, false
		case s.repairSSRC.Load():
			return s, true
		}
	}

	return p.learn(raw, h)
}

// learn assigns an SSRC that has not been seen before: by the layer that the
// packet names (RFC 8852) or, without simulcast, by its payload type. The SSRC
// that a layer had before is its no more.
func (p *Publisher) learn(raw []byte, h packet.Header) (s *Stream, repair bool) {
	repair = h.PayloadType == p.video.RTX && p.video.RTX != 0
	if !repair && h.PayloadType != p.video.PayloadType {
		return nil, false
	}

	s = p.layers[0]

	if len(p.video.RIDs) > 0 {
		id := p.video.Extensions.RID
		if repair {
			id = p.video.Extensions.RepairedRID
		}

		i := slices.Index(p.video.RIDs, string(packet.Extension(raw, id)))
		if id == 0 || i < 0 {
			return nil, false
		}

		s = p.layers[i]
	}

	if repair {
		s.repairSSRC.Store(h.SSRC)
	} else {
		s.restart(h.SSRC)
	}

	return s, repair
}

// restore makes the packet that a retransmission (RFC 4588, section 4) repeats,
// in place. It is not ok for padding, which browsers probe bandwidth with.
func (s *Stream) restore(raw []byte, h packet.Header, payloadType uint8) ([]byte, packet.Header, bool) {
	const originalSequence = 2 // bytes

	ssrc := s.ssrc.Load()
	if ssrc == 0 || h.PayloadEnd-h.PayloadOffset < originalSequence {
		return nil, h, false
	}

	sequence := binary.BigEndian.Uint16(raw[h.PayloadOffset:])
	copy(raw[originalSequence:], raw[:h.PayloadOffset])
	raw = raw[originalSequence:]
	raw[1] = raw[1]&0x80 | payloadType
	binary.BigEndian.PutUint16(raw[2:], sequence)
	binary.BigEndian.PutUint32(raw[8:], ssrc)

	restored, ok := packet.Parse(raw)

	return raw, restored, ok
}

// keep keeps a key frame for those who want a picture of it: of two layers, the
// larger one's while it comes.
func (p *Publisher) keep(frame []byte, width int, now time.Time) {
	const stale = 10 * time.Second

	p.mu.Lock()
	largest := &p.largest
	better := width >= largest.width || now.Sub(largest.at) > stale

	if better {
		largest.width, largest.at = width, now
	}
	p.mu.Unlock()

	if better {
		p.keyFrames.Put(&keyframe.Frame{Data: frame, At: now})
	}
}
