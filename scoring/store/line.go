package store

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
)

// line is one record of the journal's file: an operation that remote has not
// seen for certain, or what memory holds of a student. The file is a sequence of
// frames: the payload's length and CRC-32C, little-endian, then the payload, the
// line as JSON.
type line struct {
	Join   *Join   `json:"join,omitempty"`
	Report *Report `json:"report,omitempty"`
	Record *Record `json:"record,omitempty"`
	// Base is what memory holds of a student, which the operations start from.
	Base *Record `json:"base,omitempty"`
	// ExpireAt is when nobody needs it any more.
	ExpireAt int64 `json:"expireAt"`
}

const (
	frameHead = 8
	// maxFrame is far more than a report of 64 violations takes; a longer one is
	// none.
	maxFrame = 1 << 20
)

//nolint:gochecknoglobals // constant
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a line's frame to buffer.
func appendFrame(buffer []byte, l line) []byte {
	payload, err := json.Marshal(l)
	if err != nil {
		return buffer // Strings and numbers can always be encoded.
	}

	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(payload))) //nolint:gosec // a line is short
	buffer = binary.LittleEndian.AppendUint32(buffer, crc32.Checksum(payload, castagnoli))

	return append(buffer, payload...)
}

// readFrames returns the lines of data up to the first that is not whole, and
// how many bytes they take. A process or node that ends while it writes leaves
// part of a frame, or zeros; nobody was told that it was stored.
func readFrames(data []byte) (lines []line, whole int) {
	for {
		rest := data[whole:]
		if len(rest) < frameHead {
			return lines, whole
		}

		length := binary.LittleEndian.Uint32(rest)
		if length == 0 || length > maxFrame || int64(len(rest)-frameHead) < int64(length) {
			return lines, whole
		}

		payload := rest[frameHead : frameHead+int(length)]
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(rest[4:]) {
			return lines, whole
		}

		var l line
		if err := json.Unmarshal(payload, &l); err != nil {
			return lines, whole
		}

		lines = append(lines, l)
		whole += frameHead + int(length)
	}
}
