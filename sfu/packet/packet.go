// Package packet reads RTP packets where they are, without a copy and without
// an allocation: what forwarding must know of a packet is a few fields.
package packet

import "encoding/binary"

// HeaderSize is the fixed part of an RTP header, in bytes (RFC 3550, section 5.1).
const HeaderSize = 12

// Header is what forwarding reads of an RTP packet (RFC 3550, section 5.1).
type Header struct {
	// Marker is set on the last packet of a frame (RFC 7741, section 4.1).
	Marker bool
	// PayloadType is 0 to 127.
	PayloadType uint8
	Sequence    uint16
	// Timestamp counts 90,000 per second for video.
	Timestamp uint32
	SSRC      uint32
	// PayloadOffset and PayloadEnd are where the payload is, without header,
	// header extensions and padding; equal in a packet of padding only.
	PayloadOffset, PayloadEnd int
}

// Parse reads the header of an RTP packet. It is not ok if raw is no RTP of
// version 2, is cut off, or has padding of no bytes or of more than there are.
func Parse(raw []byte) (h Header, ok bool) {
	if len(raw) < HeaderSize || raw[0]>>6 != 2 {
		return Header{}, false
	}

	begin, end := HeaderSize+4*int(raw[0]&0x0f), len(raw)

	if raw[0]&0x10 != 0 {
		if begin+4 > end {
			return Header{}, false
		}

		begin += 4 + 4*int(binary.BigEndian.Uint16(raw[begin+2:]))
	}

	if raw[0]&0x20 != 0 {
		padding := int(raw[end-1]) // the count is in what it counts
		if padding == 0 {
			return Header{}, false
		}

		end -= padding
	}

	if begin > end {
		return Header{}, false
	}

	return Header{
		Marker:        raw[1]&0x80 != 0,
		PayloadType:   raw[1] & 0x7f,
		Sequence:      binary.BigEndian.Uint16(raw[2:]),
		Timestamp:     binary.BigEndian.Uint32(raw[4:]),
		SSRC:          binary.BigEndian.Uint32(raw[8:]),
		PayloadOffset: begin,
		PayloadEnd:    end,
	}, true
}
