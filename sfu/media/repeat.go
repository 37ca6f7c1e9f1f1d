package media

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

const (
	// senderReportInterval is how often a viewer gets sender reports.
	senderReportInterval = 2 * time.Second

	// refreshInterval is how often a viewer gets a key frame that it asks for.
	refreshInterval = 500 * time.Millisecond
)

// RTP is transport.Receiver's: viewers send none.
func (v *Viewer) RTP([]byte, time.Time, *socket.Batch) { v.engine.counts.drop(dropRTP) }

// RTCP takes the viewer's reports and requests.
func (v *Viewer) RTCP(raw []byte, now time.Time, out *socket.Batch) {
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		v.engine.counts.drop(dropRTCP)

		return
	}

	for _, received := range packets {
		switch r := received.(type) {
		case *rtcp.ReceiverReport:
			v.reported(r.Reports, now)
		case *rtcp.SenderReport:
			v.reported(r.Reports, now)
		case *rtcp.TransportLayerNack:
			if slot := v.slot(r.MediaSSRC); slot != nil {
				v.repeat(slot, r.Nacks, now, out)
			}
		case *rtcp.PictureLossIndication:
			if slot := v.slot(r.MediaSSRC); slot != nil {
				slot.refresh(now, out)
			}
		case *rtcp.FullIntraRequest:
			for _, entry := range r.FIR {
				if slot := v.slot(entry.SSRC); slot != nil {
					slot.refresh(now, out)
				}
			}
		}
	}
}

func (v *Viewer) slot(ssrc uint32) *Slot {
	for _, s := range v.slots {
		if s.ssrc == ssrc {
			return s
		}
	}

	return nil
}

func (v *Viewer) reported(reports []rtcp.ReceptionReport, now time.Time) {
	var worst uint8

	for _, r := range reports {
		if v.slot(r.SSRC) == nil {
			continue
		}

		worst = max(worst, r.FractionLost)

		if rtt, ok := roundTrip(r.LastSenderReport, r.Delay, now); ok {
			v.rtt.Store(int64(rtt))
		}
	}

	v.lost.Store(uint64(worst))
}

// repeat sends packets again that the viewer misses (RFC 4585, section 6.2.1),
// from the ring of the stream that they came from.
func (v *Viewer) repeat(slot *Slot, nacks []rtcp.NackPair, now time.Time, out *socket.Batch) {
	for _, pair := range nacks {
		pair.Range(func(sequence uint16) bool {
			from, original := slot.origin(sequence)
			if from == nil {
				v.engine.counts.misses.Add(1)

				return true
			}

			from.mu.Lock()
			defer from.mu.Unlock()

			raw := from.ring.Get(original)

			switch {
			case raw == nil:
				v.engine.counts.misses.Add(1)
			case !v.repeats.take(len(raw), now):
				return false
			default:
				slot.again(sequence, raw, out)
			}

			return true
		})
	}
}

// origin returns the stream that a sent packet came from, nil if that is too
// long ago, and its sequence number there.
func (s *Slot) origin(sequence uint16) (from *Stream, original uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()

	id, original, ok := s.output.Source(sequence)

	i := slices.IndexFunc(s.recent[:], func(r *Stream) bool { return r != nil && r.id == id })
	if !ok || i < 0 {
		return nil, 0
	}

	return s.recent[i], original
}

// again sends a packet again, as a retransmission (RFC 4588, section 4) where
// the viewer knows those. The stream is locked.
func (s *Slot) again(sequence uint16, raw []byte, out *socket.Batch) {
	const originalSequence = 2 // bytes

	s.mu.Lock()
	defer s.mu.Unlock()

	buffer := out.Buffer()

	n := s.output.Repeat(buffer[originalSequence:], sequence, raw, s.payloadType)
	if n == 0 {
		return
	}

	s.viewer.engine.counts.hits.Add(1)

	if s.rtx == 0 {
		s.viewer.peer.SendRTP(out, copy(buffer, buffer[originalSequence:originalSequence+n]))

		return
	}

	copy(buffer, buffer[originalSequence:originalSequence+rtpHeader])
	buffer[1] = buffer[1]&0x80 | s.rtx
	binary.BigEndian.PutUint16(buffer[2:], s.rtxSequence)
	binary.BigEndian.PutUint32(buffer[8:], s.rtxSSRC)
	binary.BigEndian.PutUint16(buffer[rtpHeader:], sequence)

	s.rtxSequence++
	s.viewer.peer.SendRTP(out, n+originalSequence)
}

// refresh gives a decoder that is lost a key frame: the cached one and what
// follows it, or else the publisher's next.
func (s *Slot) refresh(now time.Time, out *socket.Batch) {
	source, _ := s.shows()
	if source == nil {
		return
	}

	source.mu.Lock()
	defer source.mu.Unlock()

	// It may show another by now.
	if !slices.Contains(source.slots, s) {
		return
	}

	s.mu.Lock()
	due := s.source == source && now.Sub(s.refreshedAt) >= refreshInterval
	s.mu.Unlock()

	if due {
		if _, whole := s.begin(source, now, out); !whole {
			source.wantsKeyFrame = true
		}
	}
}

// report sends sender reports (RFC 3550, section 6.4.1) for the slots that show
// something, when they are due.
func (v *Viewer) report(now time.Time, out *socket.Batch) {
	if now.Sub(v.reportAt) < senderReportInterval {
		return
	}

	v.reportAt = now

	var packets []rtcp.Packet

	for _, s := range v.slots {
		s.mu.Lock()
		if s.source != nil && !s.last.at.IsZero() {
			packets = append(packets, &rtcp.SenderReport{
				SSRC:        s.ssrc,
				NTPTime:     ntp(now),
				RTPTime:     s.last.timestamp + uint32(now.Sub(s.last.at)*9/100_000), //nolint:gosec // 90 kHz
				PacketCount: s.packets,
				OctetCount:  s.octets,
			})
		}
		s.mu.Unlock()
	}

	send(v.peer, packets, out)
}

// send sends RTCP packets, as few to a datagram as need be.
func send(peer *transport.Peer, packets []rtcp.Packet, out *socket.Batch) {
	const room = 1200 // bytes, with SRTCP's own in front of any link's limit

	n := 0

	for _, p := range packets {
		raw, err := p.Marshal()
		if err != nil || len(raw) > room {
			continue
		}

		if n+len(raw) > room {
			peer.SendRTCP(out, n)

			n = 0
		}

		n += copy(out.Buffer()[n:], raw)
	}

	if n > 0 {
		peer.SendRTCP(out, n)
	}
}

func timestampOf(raw []byte) uint32 { return binary.BigEndian.Uint32(raw[4:]) }
