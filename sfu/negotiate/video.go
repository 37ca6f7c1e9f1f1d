package negotiate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Video is a video section of an offer, as far as it is served.
type Video struct {
	Mid string
	// PayloadType is VP8's, RTX that of its retransmissions (RFC 4588); 0: none
	// are offered.
	PayloadType, RTX uint8
	// Feedback is what may be sent to, or expected of, the offerer.
	Feedback Feedback

	// The rest is of publishers only.

	// RIDs are the accepted simulcast layers in the offer's order, at most
	// MaxLayers; none: no simulcast.
	RIDs []string
	// SSRCs are the announced streams without those that repair others, at most
	// 8. Browsers that do simulcast announce none.
	SSRCs []uint32
	// Repairs are the announced SSRCs of retransmissions, by that of the stream.
	Repairs map[uint32]uint32
	// Extensions are the header extensions that may be in what the offerer sends.
	Extensions Extensions

	// layers are the RIDs' details.
	layers map[string]layer
}

// layer is what the answer repeats of a simulcast layer.
type layer struct {
	restrictions string
	paused       bool
}

// Feedback is the RTCP feedback that is served and was offered for VP8.
type Feedback struct {
	// NACK and PLI: RFC 4585, sections 6.2.1 and 6.3.1.
	NACK, PLI bool
	// TransportCC is transport-wide congestion control, of publishers only:
	// draft-holmer-rmcat-transport-wide-cc-extensions-01. Without its header
	// extension it would have nothing to report on.
	TransportCC bool
}

// Extensions are ids of RTP header extensions; 0: not offered.
type Extensions struct {
	// MID: RFC 9143, section 15. RID, RepairedRID: RFC 8852, section 4.
	MID, RID, RepairedRID uint8
	// TransportCC: see Feedback.
	TransportCC uint8
}

// maxSSRCs bounds how many announced SSRCs are kept.
const maxSSRCs = 8

func readVideo(description *sdp.SessionDescription, media *sdp.MediaDescription, publish bool) (Video, error) {
	want := "receive"
	if publish {
		want = "send"
	}

	if !isSAVPF(media) {
		return Video{}, fmt.Errorf("%w: it must be RTP/SAVPF", ErrUnsupported)
	}

	sends, receives := directions(description, media)
	if publish && !sends || !publish && !receives {
		return Video{}, fmt.Errorf("%w: video must %s", ErrUnsupported, want)
	}

	var v Video
	if !v.readCodecs(media) {
		return Video{}, fmt.Errorf("%w: video must %s VP8", ErrUnsupported, want)
	}

	v.readFeedback(media)

	if !publish {
		v.Feedback.TransportCC = false

		return v, nil
	}

	v.readExtensions(media)
	v.readSSRCs(media)
	// Without RIDs in its packets, nobody knows which layer is which.
	if v.Extensions.RID != 0 {
		v.readSimulcast(media)
	}

	return v, nil
}

// directions tells what the offerer wants to do in the section (RFC 8866,
// section 6.7): both unless said otherwise, here or for the whole session.
func directions(description *sdp.SessionDescription, media *sdp.MediaDescription) (sends, receives bool) {
	if !alive(media) {
		return false, false
	}

	for _, attributes := range [][]sdp.Attribute{media.Attributes, description.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv":
				return true, true
			case "sendonly":
				return true, false
			case "recvonly":
				return false, true
			case "inactive":
				return false, false
			}
		}
	}

	return true, true
}

// readCodecs takes the first VP8 of the offer, and its retransmissions. It
// returns false if there is none.
func (v *Video) readCodecs(media *sdp.MediaDescription) bool {
	for _, format := range media.MediaName.Formats {
		pt, ok := payloadType(format)
		if ok && strings.EqualFold(codecOf(media, format), "VP8/90000") {
			v.PayloadType = pt

			break
		}
	}

	for _, format := range media.MediaName.Formats {
		pt, ok := payloadType(format)
		if ok && pt != v.PayloadType && strings.EqualFold(codecOf(media, format), "rtx/90000") &&
			repairs(media, format, v.PayloadType) {
			v.RTX = pt

			break
		}
	}

	return v.PayloadType != 0
}

func (v *Video) readFeedback(media *sdp.MediaDescription) {
	for _, a := range media.Attributes {
		format, feedback, _ := strings.Cut(a.Value, " ")
		if a.Key != "rtcp-fb" || format != "*" && format != strconv.Itoa(int(v.PayloadType)) {
			continue
		}

		switch strings.Join(strings.Fields(feedback), " ") {
		case "nack":
			v.Feedback.NACK = true
		case "nack pli":
			v.Feedback.PLI = true
		case "transport-cc":
			v.Feedback.TransportCC = true
		}
	}
}

// readSSRCs reads a=ssrc and the a=ssrc-group that say which of them repair
// others (RFC 5576; RFC 5956).
func (v *Video) readSSRCs(media *sdp.MediaDescription) {
	v.Repairs = map[uint32]uint32{}

	var repairing []uint32

	for _, a := range media.Attributes {
		members := strings.Fields(a.Value)
		if a.Key != "ssrc-group" || len(members) != 3 || len(repairing) == maxSSRCs {
			continue
		}

		stream, ok := ssrc(members[1])
		repair, ok2 := ssrc(members[2])

		switch {
		case !ok || !ok2 || stream == repair:
		case members[0] == "FID":
			v.Repairs[stream] = repair
			repairing = append(repairing, repair)
		case members[0] == "FEC-FR":
			repairing = append(repairing, repair)
		}
	}

	for _, a := range media.Attributes {
		id, _, _ := strings.Cut(a.Value, " ")
		if a.Key != "ssrc" || len(v.SSRCs) == maxSSRCs {
			continue
		}

		if n, ok := ssrc(id); ok && !slices.Contains(repairing, n) && !slices.Contains(v.SSRCs, n) {
			v.SSRCs = append(v.SSRCs, n)
		}
	}
}

func ssrc(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)

	return uint32(n), err == nil
}
