package packet

import "encoding/binary"

const (
	// oneByte and twoByte tell the two forms of header extensions apart
	// (RFC 8285, sections 4.2 and 4.3); the last four bits of twoByte are the
	// application's.
	oneByte = 0xbede
	twoByte = 0x1000
	// stop ends the extensions of the one-byte form.
	stop = 15
)

// Extension returns the header extension (RFC 8285) with an id, 1 to 14 in the
// one-byte form and 1 to 255 in the two-byte form. It is a part of raw; nil if
// there is none, empty but not nil for an extension of no bytes. What is cut off
// has no extensions from there on.
func Extension(raw []byte, id uint8) []byte {
	if len(raw) < HeaderSize || raw[0]&0x10 == 0 || id == 0 {
		return nil
	}

	begin := HeaderSize + 4*int(raw[0]&0x0f)
	if begin+4 > len(raw) {
		return nil
	}

	profile, size := binary.BigEndian.Uint16(raw[begin:]), 4*int(binary.BigEndian.Uint16(raw[begin+2:]))
	begin += 4

	if begin+size > len(raw) {
		return nil
	}

	switch elements := raw[begin : begin+size]; {
	case profile == oneByte:
		return findOneByte(elements, id)
	case profile&0xfff0 == twoByte:
		return findTwoByte(elements, id)
	default:
		return nil
	}
}

func findOneByte(elements []byte, id uint8) []byte {
	for i := 0; i < len(elements); {
		if elements[i] == 0 { // padding
			i++

			continue
		}

		found, size := elements[i]>>4, int(elements[i]&0x0f)+1
		i++

		// An id of 0 with a length ends the extensions as well.
		if found == stop || found == 0 || i+size > len(elements) {
			return nil
		}

		if found == id {
			return elements[i : i+size : i+size]
		}

		i += size
	}

	return nil
}

func findTwoByte(elements []byte, id uint8) []byte {
	for i := 0; i < len(elements); {
		if elements[i] == 0 { // padding
			i++

			continue
		}

		if i+2 > len(elements) {
			return nil
		}

		found, size := elements[i], int(elements[i+1])
		i += 2

		if i+size > len(elements) {
			return nil
		}

		if found == id {
			return elements[i : i+size : i+size]
		}

		i += size
	}

	return nil
}
