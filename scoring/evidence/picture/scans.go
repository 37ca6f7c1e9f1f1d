package picture

// maxScans is how many scans a picture may have. Progressive encoders write 10;
// each scan makes the decoder visit every block again, so 256 KiB of tiny scans
// would keep a core busy for seconds.
const maxScans = 16

// Markers of a JPEG, the byte after 0xFF.
const (
	markerRST0 = 0xD0
	markerRST7 = 0xD7
	markerSOI  = 0xD8
	markerEOI  = 0xD9
	markerSOS  = 0xDA
)

// checkScans walks over the segments, without decoding, and counts scans. What is
// wrong beyond that is the decoder's to say.
func checkScans(raw []byte) error {
	if len(raw) < 4 || raw[0] != 0xFF || raw[1] != markerSOI || raw[2] != 0xFF {
		return refuse(CodeNotJPEG, "it does not begin as a JPEG does")
	}

	scans := 0

	for at := nextMarker(raw, 2); at < len(raw); {
		marker := raw[at]
		at++

		switch marker {
		case markerEOI:
			return nil
		case markerSOS:
			if scans++; scans > maxScans {
				return refuse(CodeUndecodable, "more than %d scans", maxScans)
			}
		}

		if at+2 > len(raw) {
			break
		}

		at = nextMarker(raw, at+int(raw[at])<<8+int(raw[at+1]))
	}

	return nil
}

// nextMarker returns where the next marker's second byte is. Between segments
// there is a scan's data, in which 0xFF is followed by 0 or a restart, or stuff
// that decoders skip.
func nextMarker(raw []byte, at int) int {
	for ; at+1 < len(raw); at++ {
		next := raw[at+1]
		if raw[at] == 0xFF && next != 0 && next != 0xFF && (next < markerRST0 || next > markerRST7) {
			return at + 1
		}
	}

	return len(raw)
}
