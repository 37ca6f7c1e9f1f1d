package vp8

import "encoding/binary"

// keyFrameHeader is a key frame's own header, in bytes (RFC 6386, section 9.1):
// frame tag, start code, width, height.
const keyFrameHeader = 10

// IsKeyFrameStart tells whether payload, with descriptor d, is the first packet
// of a key frame: the P bit, and the start code that only key frames have.
func IsKeyFrameStart(payload []byte, d Descriptor) bool {
	if !d.Start || len(payload) < d.Size+keyFrameHeader {
		return false
	}

	frame := payload[d.Size:]

	return frame[0]&1 == 0 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a
}

// FrameSize returns the size in pixels, 1 to 16383 each, that the first packet
// of a key frame tells. It is not ok for other packets, and for empty pictures.
func FrameSize(payload []byte, d Descriptor) (width, height int, ok bool) {
	if !IsKeyFrameStart(payload, d) {
		return 0, 0, false
	}

	// The upper two bits of each ask the renderer for scaling.
	width = int(binary.LittleEndian.Uint16(payload[d.Size+6:]) & 0x3fff)
	height = int(binary.LittleEndian.Uint16(payload[d.Size+8:]) & 0x3fff)

	if width == 0 || height == 0 {
		return 0, 0, false
	}

	return width, height, true
}
