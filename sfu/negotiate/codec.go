package negotiate

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// alive tells whether the offerer has not refused the section itself, with port
// 0, which in sections that are to be bundled means nothing (RFC 9143, section 6).
func alive(media *sdp.MediaDescription) bool {
	return media.MediaName.Port.Value != 0 || has(media.Attributes, "bundle-only")
}

// isSAVPF tells whether the section is RTP with DTLS-SRTP and feedback, whatever
// is said to be below (RFC 9429, section 5.1.2).
func isSAVPF(media *sdp.MediaDescription) bool {
	protos := media.MediaName.Protos

	return protos[len(protos)-1] == "SAVPF"
}

// audioCodec returns the first format of an audio section, and its rtpmap; "" if
// the offer has none. Nobody will send it.
func audioCodec(media *sdp.MediaDescription) (format, rtpmap string) {
	// PCMU, which needs no rtpmap (RFC 3551, section 6).
	const static = "0"

	format = media.MediaName.Formats[0]
	if !isText(format) {
		return static, ""
	}

	codec := codecOf(media, format)
	if !isText(codec) {
		return format, ""
	}

	return format, format + " " + codec
}

// codecOf returns the codec of a format, such as "VP8/90000"; "" if the section
// does not say.
func codecOf(media *sdp.MediaDescription, format string) string {
	for _, a := range media.Attributes {
		if got, codec, _ := strings.Cut(a.Value, " "); a.Key == "rtpmap" && got == format {
			return strings.TrimSpace(codec)
		}
	}

	return ""
}

// repairs tells whether format is the retransmissions of pt (RFC 4588, section
// 8.1: apt).
func repairs(media *sdp.MediaDescription, format string, pt uint8) bool {
	for _, a := range media.Attributes {
		got, parameters, _ := strings.Cut(a.Value, " ")
		if a.Key != "fmtp" || got != format {
			continue
		}

		for parameter := range strings.SplitSeq(parameters, ";") {
			if value, ok := strings.CutPrefix(strings.TrimSpace(parameter), "apt="); ok && value == strconv.Itoa(int(pt)) {
				return true
			}
		}
	}

	return false
}
