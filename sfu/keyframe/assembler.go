// Package keyframe makes pictures of a VP8 stream: it puts key frames together
// from RTP packets, keeps the last one, decodes it when somebody asks, and
// measures what it shows. It knows neither connections nor HTTP.
package keyframe

import (
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/vp8"
)

// maxFrame is more than any key frame of a camera; larger ones are dropped.
const maxFrame = 512 << 10

// Assembler puts key frames together from the RTP packets (RFC 7741) of one
// stream. Packets are taken in the order of their arrival: a frame with a packet
// that is lost or late is dropped, and the next one will do. Its zero value is
// ready; it is not safe for concurrent use.
type Assembler struct {
	building  bool
	ssrc      uint32
	timestamp uint32
	next      uint16 // sequence number of the packet that must follow
	buffer    []byte
}

// Push takes one RTP packet, as its header and its payload with descriptor d,
// and returns the key frame that it completes, in memory of its own; otherwise
// nil. It does not keep payload, and nothing is allocated for packets outside
// key frames.
func (a *Assembler) Push(h packet.Header, payload []byte, d vp8.Descriptor) []byte {
	// Late packets are repetitions, or gaps that have already ended their frame.
	late := a.building && h.SSRC == a.ssrc && int16(h.Sequence-a.next) < 0

	if vp8.IsKeyFrameStart(payload, d) && (!late || h.Timestamp != a.timestamp) {
		a.building, a.ssrc, a.timestamp, a.next = true, h.SSRC, h.Timestamp, h.Sequence
		a.buffer = a.buffer[:0]
		late = false
	}

	if !a.building || h.SSRC != a.ssrc || late {
		return nil
	}

	var part []byte // none in a packet of padding
	if len(payload) > d.Size {
		part = payload[d.Size:]
	}

	if h.Sequence != a.next || h.Timestamp != a.timestamp ||
		d.Start && len(a.buffer) > 0 || len(a.buffer)+len(part) > maxFrame {
		a.building = false

		return nil
	}

	a.next++
	a.buffer = append(a.buffer, part...)

	if !h.Marker { // which ends a frame
		return nil
	}

	a.building = false

	return append([]byte(nil), a.buffer...)
}
