// Package offer reads what publishers send in WHIP: SDP offers and trickle ICE
// fragments. It decides whether an offer can be served before anything is
// spent, or taken from anybody, for it.
package offer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// Errors of Parse and ParseFragment.
var (
	// ErrMalformed: it is not SDP, or lacks what every WebRTC offer has.
	ErrMalformed = errors.New("malformed SDP")
	// ErrUnsupported: good SDP that this SFU does not serve.
	ErrUnsupported = errors.New("unsupported offer")
)

// Offer is a publisher's offer that can be served.
type Offer struct {
	// SDP is the offer without what the answer must not follow; see Parse.
	SDP string
	// Ufrag is the publisher's ICE user name fragment.
	Ufrag string

	// bundled is whether the offer puts the video section into a BUNDLE group.
	bundled bool
}

// maxSections bounds what an offer may make us answer. WHIP publishers send one
// video and at most one audio section.
const maxSections = 4

// Parse checks an SDP offer: exactly one video section that sends, with VP8
// among its codecs; audio sections may stand beside it, and are refused in the
// answer.
//
// Two things are taken out. Candidates: an ICE-lite agent sends no checks, so it
// has no use for them. Simulcast: an answer without it makes browsers send their
// first layer only (RFC 8853, section 5.3.2), which is all that this version
// wants.
//
// One is put in: a BUNDLE group of the video section alone. GStreamer offers
// none for a single section, which is right, and pion refuses such sections;
// see FitAnswer.
func Parse(raw string) (*Offer, error) {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}

	if err := checkSections(&description); err != nil {
		return nil, err
	}

	ufrag := attribute(&description, "ice-ufrag")

	switch {
	case ufrag == "" || attribute(&description, "ice-pwd") == "":
		return nil, fmt.Errorf("%w: no ICE credentials", ErrMalformed)
	case attribute(&description, "fingerprint") == "":
		return nil, fmt.Errorf("%w: no DTLS fingerprint", ErrMalformed)
	}

	video := videoSection(&description)
	for _, media := range description.MediaDescriptions {
		strip(media)
	}

	bundled := bundle(&description, video)

	clean, err := description.Marshal()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}

	return &Offer{SDP: string(clean), Ufrag: ufrag, bundled: bundled}, nil
}

// FitAnswer returns an answer to o.SDP as an answer to the offer that o was
// made of: an answer must not bundle what the offer does not (RFC 9143, section
// 7.3).
func (o *Offer) FitAnswer(answer string) string {
	if o.bundled {
		return answer
	}

	var out strings.Builder

	for line := range strings.Lines(answer) {
		if !strings.HasPrefix(line, bundlePrefix) {
			out.WriteString(line)
		}
	}

	return out.String()
}

const bundlePrefix = "a=group:BUNDLE"

// bundle makes the video section the only one of the only BUNDLE group, and
// returns whether it was in one.
func bundle(description *sdp.SessionDescription, video *sdp.MediaDescription) bool {
	mid, _ := video.Attribute("mid")
	bundled := false

	description.Attributes = slices.DeleteFunc(description.Attributes, func(a sdp.Attribute) bool {
		if a.Key != "group" {
			return false
		}

		members := strings.Fields(a.Value)
		bundled = bundled || slices.Contains(members, mid) && members[0] == "BUNDLE"

		return true
	})
	description.Attributes = append(description.Attributes, sdp.NewAttribute("group", "BUNDLE "+mid))

	return bundled
}

// strip removes candidates and simulcast. With simulcast go the SSRCs, which
// belong to its layers; which of them is sent shows when it arrives.
func strip(media *sdp.MediaDescription) {
	_, simulcast := media.Attribute("simulcast")

	media.Attributes = slices.DeleteFunc(media.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case "candidate", "end-of-candidates", "simulcast", "rid":
			return true
		case "ssrc", "ssrc-group":
			return simulcast
		default:
			return false
		}
	})
}

// videoSection returns the video section, of which checkSections has found one.
func videoSection(description *sdp.SessionDescription) *sdp.MediaDescription {
	i := slices.IndexFunc(description.MediaDescriptions, func(m *sdp.MediaDescription) bool {
		return m.MediaName.Media == "video"
	})

	return description.MediaDescriptions[i]
}

func checkSections(description *sdp.SessionDescription) error {
	if len(description.MediaDescriptions) > maxSections {
		return fmt.Errorf("%w: more than %d media sections", ErrUnsupported, maxSections)
	}

	videos := 0

	for _, media := range description.MediaDescriptions {
		if mid, _ := media.Attribute("mid"); mid == "" {
			return fmt.Errorf("%w: a media section has no mid", ErrMalformed)
		}

		switch media.MediaName.Media {
		case "audio":
		case "video":
			videos++

			if !sends(description, media) || !hasVP8(media) {
				return fmt.Errorf("%w: the video section must send VP8", ErrUnsupported)
			}
		default:
			return fmt.Errorf("%w: a section of type %q", ErrUnsupported, media.MediaName.Media)
		}
	}

	if videos != 1 {
		return fmt.Errorf("%w: %d video sections, want one", ErrUnsupported, videos)
	}

	return nil
}

// sends tells whether the offerer wants to send in the section (RFC 8866,
// section 6.7): sendrecv unless said otherwise, here or for the whole session.
func sends(description *sdp.SessionDescription, media *sdp.MediaDescription) bool {
	if media.MediaName.Port.Value == 0 {
		return false
	}

	for _, attributes := range [][]sdp.Attribute{media.Attributes, description.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv", "sendonly":
				return true
			case "recvonly", "inactive":
				return false
			}
		}
	}

	return true
}

func hasVP8(media *sdp.MediaDescription) bool {
	return slices.ContainsFunc(media.Attributes, func(a sdp.Attribute) bool {
		_, encoding, _ := strings.Cut(a.Value, " ")

		return a.Key == "rtpmap" && strings.EqualFold(strings.TrimSpace(encoding), "VP8/90000")
	})
}

// attribute returns the first value of key in the session or, failing that, in
// any media section: with BUNDLE there is one transport.
func attribute(description *sdp.SessionDescription, key string) string {
	if value, ok := description.Attribute(key); ok {
		return value
	}

	for _, media := range description.MediaDescriptions {
		if value, ok := media.Attribute(key); ok {
			return value
		}
	}

	return ""
}
