package splice

import (
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/vp8"
)

// incoming is a source's packet.
type incoming struct {
	packet.Header

	// descriptor is zero without a payload.
	descriptor vp8.Descriptor
	payload    []byte
}

// parse is not ok for what is no RTP packet, and for payloads that start with no
// descriptor; a packet without a payload is fine.
func parse(raw []byte) (p incoming, ok bool) {
	p.Header, ok = packet.Parse(raw)
	if !ok {
		return p, false
	}

	p.payload = raw[p.PayloadOffset:p.PayloadEnd]
	if len(p.payload) > 0 {
		p.descriptor, ok = vp8.ParseDescriptor(p.payload)
	}

	return p, ok
}

func (p *incoming) isKeyFrameStart() bool { return vp8.IsKeyFrameStart(p.payload, p.descriptor) }

// outgoingSize is the packet's size in bytes after it is rewritten.
func (p *incoming) outgoingSize() int { return packet.HeaderSize + len(p.payload) }
