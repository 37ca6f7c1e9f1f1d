package negotiate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// Answer returns the answer to the offer: its media sections, in its order, of
// which only o.Videos carry media. Of what was offered for these it has VP8 and
// its retransmissions, and nothing else. It fails with ErrLocal only.
//
// All accepted sections say all about the transport, although bundled ones share
// that of the first: naming it in each is redundant, right, and what browsers
// do.
func (o *Offer) Answer(local Local) (string, error) {
	if err := local.check(o); err != nil {
		return "", err
	}

	answer := sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-",
			// RFC 9429, section 5.2.1: random, with the highest bit 0.
			SessionID:   rand.Uint64() >> 1,
			NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0",
		},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
		Attributes:       o.sessionAttributes(),
	}

	for _, s := range o.sections {
		media := &sdp.MediaDescription{
			MediaName: o.mediaName(s),
			// RFC 9429, section 5.3.1: where we are is said by the candidates.
			ConnectionInformation: &sdp.ConnectionInformation{
				NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
			},
		}

		if s.accepted() {
			media.Attributes = o.acceptance(s, local)
		} else {
			media.Attributes = append([]sdp.Attribute{{Key: "mid", Value: s.mid}}, s.silence()...)
		}

		answer.MediaDescriptions = append(answer.MediaDescriptions, media)
	}

	text, err := answer.Marshal()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrLocal, err)
	}

	return string(text), nil
}

// sessionAttributes are what holds for all sections. The group has the accepted
// sections only, and there is none where the offer has none (RFC 9143, section
// 7.3).
func (o *Offer) sessionAttributes() []sdp.Attribute {
	attributes := []sdp.Attribute{{Key: "ice-lite"}}

	// RFC 8840, section 4.1: publishers may trickle, and we take what they send.
	if o.trickle {
		attributes = append(attributes, sdp.Attribute{Key: "ice-options", Value: "trickle"})
	}

	if len(o.bundle) > 0 {
		attributes = append(attributes, sdp.Attribute{Key: "group", Value: "BUNDLE " + strings.Join(o.bundle, " ")})
	}

	if o.mixed {
		attributes = append(attributes, sdp.Attribute{Key: "extmap-allow-mixed"})
	}

	return attributes
}

// transportSection is the accepted section whose transport all others share.
func (o *Offer) transportSection() section {
	mid := o.Videos[0].Mid
	if len(o.bundle) > 0 {
		mid = o.bundle[0]
	}

	return o.sections[slices.IndexFunc(o.sections, func(s section) bool { return s.mid == mid })]
}

// mediaName is the m= line's value. Port 9 is no port (RFC 8840, section 4.1.1),
// port 0 a refusal (RFC 3264, section 6).
func (o *Offer) mediaName(s section) sdp.MediaName {
	const discard = 9

	name := sdp.MediaName{Media: s.media, Protos: s.protos}
	if s.accepted() {
		name.Port.Value = discard
	}

	if s.video < 0 {
		name.Formats = []string{s.format}

		return name
	}

	video := &o.Videos[s.video]

	name.Formats = []string{number(video.PayloadType)}
	if video.RTX != 0 {
		name.Formats = append(name.Formats, number(video.RTX))
	}

	return name
}
