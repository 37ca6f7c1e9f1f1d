// Package negotiate reads SDP offers, of publishers (WHIP) and of viewers
// (WHEP), and writes the answers of an ICE-lite agent that is the DTLS server.
// It decides whether an offer can be served before anything is spent, or taken
// from anybody, for it. It moves no media and keeps no state.
package negotiate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pion/sdp/v3"
)

// Errors of ParsePublish, ParseView and ParseFragment.
var (
	// ErrMalformed: it is not SDP, or lacks what every WebRTC offer has.
	ErrMalformed = errors.New("malformed SDP")
	// ErrUnsupported: good SDP that this SFU does not serve.
	ErrUnsupported = errors.New("unsupported offer")
	// ErrTooManyVideos: more than are served. It is an ErrUnsupported.
	ErrTooManyVideos = fmt.Errorf("%w: too many video sections", ErrUnsupported)
)

const (
	// MaxLayers is how many simulcast layers of a publisher are accepted.
	MaxLayers = 2

	// maxPublishSections bounds what an offer may make us answer. WHIP publishers
	// send one video and at most one audio section.
	maxPublishSections = 4
	// spareViewSections may stand beside a viewer's video sections.
	spareViewSections = 2
)

// Offer is an offer that can be served.
type Offer struct {
	// ICE are the offerer's credentials.
	ICE ICE
	// Fingerprints are of the certificates that the offerer may show: one must
	// match. At least one, all with hash functions that are good enough.
	Fingerprints []Fingerprint
	// Setup is the offerer's DTLS role, "actpass" or "active". It is the client.
	Setup string
	// Videos are the video sections, in the offer's order: one of a publisher,
	// one or more of a viewer.
	Videos []Video

	sections []section
	// publish: the offerer sends, and the answer receives.
	publish bool
	// bundle are the accepted sections' mids, idle ones too, as the offer's BUNDLE
	// group orders them; none: the offer does not bundle its only video section.
	bundle []string
	// trickle, mixed: the offer has ice-options:trickle, and extmap-allow-mixed
	// for the whole session.
	trickle, mixed bool
}

// section is what the answer to a media section repeats of the offer.
type section struct {
	media, mid string
	protos     []string
	// format is the first of the offer, for audio sections: refused ones must have
	// one as well (RFC 3264, section 6). rtpmap says what it is; "": unknown.
	format, rtpmap string
	// video is the index in Offer.Videos; -1: audio.
	video int
	// idle: audio that is answered inactive; see readIdle.
	idle bool
	// rsize, mixed: rtcp-rsize, and extmap-allow-mixed for this section.
	rsize, mixed bool
}

// accepted tells whether the section shares the transport; others are refused.
func (s section) accepted() bool { return s.video >= 0 || s.idle }

// rules is in what publishers' and viewers' offers differ.
type rules struct {
	publish                bool
	maxSections, maxVideos int
}

// ParsePublish checks a publisher's offer: exactly one video section that sends,
// with VP8 among its codecs. Audio sections may stand beside it, of which nothing
// will be received.
func ParsePublish(raw string) (*Offer, error) {
	return parse(raw, rules{publish: true, maxSections: maxPublishSections, maxVideos: 1})
}

// ParseView checks a viewer's offer: 1 to maxSlots video sections that receive,
// all in one BUNDLE group if there are several, with VP8 among their codecs.
// Audio sections may stand beside them, in which nothing will be sent.
func ParseView(raw string, maxSlots int) (*Offer, error) {
	return parse(raw, rules{maxSections: maxSlots + spareViewSections, maxVideos: maxSlots})
}

func parse(raw string, r rules) (*Offer, error) {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}

	// The parser takes a description that ends early for a whole one.
	if len(description.TimeDescriptions) == 0 {
		return nil, fmt.Errorf("%w: no time description", ErrMalformed)
	}

	if n := len(description.MediaDescriptions); n > r.maxSections {
		return nil, fmt.Errorf("%w: %d media sections, at most %d are served", ErrTooManyVideos, n, r.maxSections)
	}

	o := &Offer{publish: r.publish}
	seen := make(map[string]bool, len(description.MediaDescriptions))

	for _, media := range description.MediaDescriptions {
		mid, _ := media.Attribute("mid")

		switch {
		case !isToken(mid):
			return nil, fmt.Errorf("%w: a media section has no mid", ErrMalformed)
		case seen[mid]:
			return nil, fmt.Errorf("%w: two media sections with mid %q", ErrMalformed, mid)
		}

		seen[mid] = true

		if err := o.add(&description, media, mid); err != nil {
			return nil, err
		}
	}

	switch n := len(o.Videos); {
	case n == 0:
		return nil, fmt.Errorf("%w: no video section", ErrUnsupported)
	case n > r.maxVideos:
		return nil, fmt.Errorf("%w: %d, at most %d are served", ErrTooManyVideos, n, r.maxVideos)
	}

	if err := o.readTransport(&description); err != nil {
		return nil, err
	}

	return o, nil
}

// add appends a media section.
func (o *Offer) add(description *sdp.SessionDescription, media *sdp.MediaDescription, mid string) error {
	s := section{
		media:  media.MediaName.Media,
		mid:    mid,
		protos: media.MediaName.Protos,
		video:  -1,
		rsize:  has(media.Attributes, "rtcp-rsize"),
		mixed:  has(media.Attributes, "extmap-allow-mixed"),
	}

	if len(media.MediaName.Formats) == 0 {
		return fmt.Errorf("%w: section %q has no format", ErrMalformed, mid)
	}

	switch s.media {
	case "audio":
		s.format, s.rtpmap = audioCodec(media)
	case "video":
		video, err := readVideo(description, media, o.publish)
		if err != nil {
			return fmt.Errorf("section %q: %w", mid, err)
		}

		video.Mid, s.video = mid, len(o.Videos)
		o.Videos = append(o.Videos, video)
	default:
		return fmt.Errorf("%w: a section of type %q", ErrUnsupported, s.media)
	}

	o.sections = append(o.sections, s)

	return nil
}

// has tells whether an attribute is there, whatever its value.
func has(attributes []sdp.Attribute, key string) bool {
	return slices.ContainsFunc(attributes, func(a sdp.Attribute) bool { return a.Key == key })
}
