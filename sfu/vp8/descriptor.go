// Package vp8 reads and rewrites what VP8 says about itself in RTP payloads:
// the payload descriptor (RFC 7741, section 4.2) and the head of a key frame
// (RFC 6386, section 9.1). It decodes nothing.
package vp8

import "encoding/binary"

// Descriptor is the payload descriptor of one packet (RFC 7741, section 4.2).
// Fields of what it does not have are zero.
type Descriptor struct {
	// Start marks the first packet of a frame: S=1 and PID=0.
	Start bool
	// NonReference frames are not needed to decode any other.
	NonReference bool

	HasPictureID bool
	// PictureID counts frames, modulo 2 to the power of PictureIDBits.
	PictureID uint16
	// PictureIDBits is 7 or 15.
	PictureIDBits int

	HasTL0 bool
	// TL0 is TL0PICIDX: it counts the frames of the lowest temporal layer, modulo 256.
	TL0 uint8

	HasTID bool
	// TID is the temporal layer, 0 to 3.
	TID uint8
	// LayerSync frames depend on temporal layer 0 only.
	LayerSync bool

	HasKeyIdx bool
	// KeyIdx counts key frames, modulo 32.
	KeyIdx uint8

	// Size is the descriptor's, 1 to 6 bytes; VP8 data follows.
	Size int
}

// ParseDescriptor reads the descriptor that payload starts with. It is not ok
// if that is cut off or no VP8 data follows it, which browsers refuse as well.
func ParseDescriptor(payload []byte) (d Descriptor, ok bool) {
	if len(payload) < 2 {
		return Descriptor{}, false
	}

	d.Start = payload[0]&0x17 == 0x10
	d.NonReference = payload[0]&0x20 != 0
	d.Size = 1

	if payload[0]&0x80 != 0 && !d.parseExtension(payload) {
		return Descriptor{}, false
	}

	return d, d.Size < len(payload)
}

// parseExtension reads what the second byte announces; payload has two bytes.
func (d *Descriptor) parseExtension(payload []byte) bool {
	flags := payload[1]
	d.HasPictureID, d.HasTL0 = flags&0x80 != 0, flags&0x40 != 0
	d.HasTID, d.HasKeyIdx = flags&0x20 != 0, flags&0x10 != 0
	d.Size = 2

	if d.HasPictureID {
		switch rest := payload[d.Size:]; {
		case len(rest) >= 1 && rest[0]&0x80 == 0:
			d.PictureID, d.PictureIDBits = uint16(rest[0]), 7
			d.Size++
		case len(rest) >= 2:
			d.PictureID, d.PictureIDBits = binary.BigEndian.Uint16(rest)&0x7fff, 15
			d.Size += 2
		default:
			return false
		}
	}

	if d.HasTL0 {
		if d.Size >= len(payload) {
			return false
		}

		d.TL0 = payload[d.Size]
		d.Size++
	}

	if d.HasTID || d.HasKeyIdx { // they share a byte
		if d.Size >= len(payload) {
			return false
		}

		shared := payload[d.Size]
		d.Size++

		if d.HasTID {
			d.TID, d.LayerSync = shared>>6, shared&0x20 != 0
		}

		if d.HasKeyIdx {
			d.KeyIdx = shared & 0x1f
		}
	}

	return true
}
