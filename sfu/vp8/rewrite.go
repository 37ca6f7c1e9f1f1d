package vp8

// behindFlags is where the optional fields start, in payloads with flags.
const behindFlags = 2

// SetPictureID replaces the picture id of the descriptor that payload starts
// with, keeping its size: ids are masked to 15 bits or 7. Payloads without one,
// or cut off in front of its end, stay as they are.
func SetPictureID(payload []byte, id uint16) {
	switch size := pictureIDSize(payload); {
	case len(payload) < behindFlags+size:
	case size == 1:
		payload[behindFlags] = byte(id & 0x7f)
	case size == 2:
		payload[behindFlags] = byte(id>>8) | 0x80 // M=1: 15 bits
		payload[behindFlags+1] = byte(id)
	}
}

// SetTL0 replaces TL0PICIDX of the descriptor that payload starts with. Payloads
// without one, or cut off in front of it, stay as they are.
func SetTL0(payload []byte, v uint8) {
	at := behindFlags + pictureIDSize(payload)
	if len(payload) > at && payload[0]&0x80 != 0 && payload[1]&0x40 != 0 {
		payload[at] = v
	}
}

// pictureIDSize returns how many bytes the picture id takes: 0, 1 or 2.
func pictureIDSize(payload []byte) int {
	if len(payload) <= behindFlags || payload[0]&0x80 == 0 || payload[1]&0x80 == 0 {
		return 0
	}

	return 1 + int(payload[behindFlags]>>7)
}
