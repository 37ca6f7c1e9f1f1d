// Package keyframe makes pictures of a VP8 stream: it puts key frames together
// from RTP packets, keeps the last one, decodes it when somebody asks, and
// measures what it shows. It knows neither connections nor HTTP.
package keyframe

import "encoding/binary"

const (
	// maxFrame is more than any key frame of a camera; larger ones are dropped.
	maxFrame = 512 << 10

	rtpHeader = 12
	// vp8Header is a key frame's own header (RFC 6386, section 9.1).
	vp8Header = 10
)

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

// Push takes one RTP packet, header included, and returns the key frame that it
// completes, in memory of its own; otherwise nil. It does not keep packet, and
// nothing is allocated for packets outside key frames.
func (a *Assembler) Push(packet []byte) []byte {
	payload, ok := rtpPayload(packet)
	if !ok {
		return nil
	}

	sequence := binary.BigEndian.Uint16(packet[2:])
	timestamp := binary.BigEndian.Uint32(packet[4:])
	ssrc := binary.BigEndian.Uint32(packet[8:])
	part, start := vp8Payload(payload)

	// Late packets are repetitions, or gaps that have already ended their frame.
	late := a.building && ssrc == a.ssrc && int16(sequence-a.next) < 0

	if start && isKeyFrame(part) && (!late || timestamp != a.timestamp) {
		a.building, a.ssrc, a.timestamp, a.next = true, ssrc, timestamp, sequence
		a.buffer = a.buffer[:0]
		late = false
	}

	switch {
	case !a.building, ssrc != a.ssrc, late:
		return nil
	case sequence != a.next, timestamp != a.timestamp, start && len(a.buffer) > 0, len(a.buffer)+len(part) > maxFrame:
		a.building = false

		return nil
	}

	a.next++
	a.buffer = append(a.buffer, part...)

	if packet[1]&0x80 == 0 { // the marker ends a frame
		return nil
	}

	a.building = false

	return append([]byte(nil), a.buffer...)
}

// rtpPayload returns what is behind the header of an RTP packet (RFC 3550,
// section 5.1), without padding.
func rtpPayload(packet []byte) ([]byte, bool) {
	if len(packet) < rtpHeader || packet[0]>>6 != 2 {
		return nil, false
	}

	begin := rtpHeader + 4*int(packet[0]&0x0f)

	if packet[0]&0x10 != 0 {
		if len(packet) < begin+4 {
			return nil, false
		}

		begin += 4 + 4*int(binary.BigEndian.Uint16(packet[begin+2:]))
	}

	end := len(packet)
	if packet[0]&0x20 != 0 {
		end -= int(packet[end-1])
	}

	if begin > end {
		return nil, false
	}

	return packet[begin:end], true
}

// vp8Payload returns what is behind the descriptor (RFC 7741, section 4.2), and
// whether it starts a frame. A payload that is cut off has nothing behind it.
func vp8Payload(payload []byte) (part []byte, start bool) {
	if len(payload) == 0 {
		return nil, false
	}

	start = payload[0]&0x17 == 0x10 // S=1, PID=0
	begin := 1

	if payload[0]&0x80 != 0 {
		if len(payload) < 2 {
			return nil, start
		}

		extension := payload[1]
		begin = 2

		if extension&0x80 != 0 { // picture id, of one byte or two
			if len(payload) < 3 {
				return nil, start
			}

			begin += 1 + int(payload[2]>>7)
		}

		if extension&0x40 != 0 {
			begin++
		}

		if extension&0x30 != 0 {
			begin++
		}
	}

	if len(payload) < begin {
		return nil, start
	}

	return payload[begin:], start
}

// isKeyFrame tells whether part begins a key frame: the P bit, and the start
// code that only key frames have.
func isKeyFrame(part []byte) bool {
	return len(part) >= vp8Header && part[0]&1 == 0 && part[3] == 0x9d && part[4] == 0x01 && part[5] == 0x2a
}
