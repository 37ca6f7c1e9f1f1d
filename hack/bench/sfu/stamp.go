package main

import (
	"encoding/binary"
	"time"
)

// A stamp is the end of a payload: who sent it, and when. An SFU forwards
// payloads as they are, behind the descriptor. Key frames, which it may decode,
// have one only in the last packet, behind the picture.
const (
	stampMagic = 0x1d5e_7a3c
	stampSize  = 4 + 2 + 8
)

// putStamp overwrites the end of the payload.
func putStamp(payload []byte, student int, now time.Time) {
	stamp := payload[len(payload)-stampSize:]
	binary.BigEndian.PutUint32(stamp, stampMagic)
	binary.BigEndian.PutUint16(stamp[4:], uint16(student))
	binary.BigEndian.PutUint64(stamp[6:], uint64(now.UnixNano()))
}

// readStamp returns what putStamp wrote; ok is false if it did not.
func readStamp(payload []byte) (student int, sent time.Time, ok bool) {
	if len(payload) < stampSize {
		return 0, time.Time{}, false
	}

	stamp := payload[len(payload)-stampSize:]
	if binary.BigEndian.Uint32(stamp) != stampMagic {
		return 0, time.Time{}, false
	}

	return int(binary.BigEndian.Uint16(stamp[4:])), time.Unix(0, int64(binary.BigEndian.Uint64(stamp[6:]))), true
}
