package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// ICE are the credentials of one side (RFC 8839, section 5.4).
type ICE struct {
	// Ufrag has 4 to 256, Pwd 22 to 256 characters: letters, digits, + and /.
	Ufrag, Pwd string
}

func (i ICE) valid() bool {
	const maxLength = 256

	return isICE(i.Ufrag, 4, maxLength) && isICE(i.Pwd, 22, maxLength)
}

// Fingerprint is a certificate's (RFC 8122, section 5).
type Fingerprint struct {
	// Hash is "sha-256", "sha-384" or "sha-512".
	Hash string
	// Value is the digest in upper-case hexadecimal, with a colon between bytes.
	Value string
}

// digestSizes are the bytes of the hash functions that are good enough.
var digestSizes = map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}

// parseFingerprint returns ok false for a hash function that is not served.
func parseFingerprint(value string) (f Fingerprint, ok bool, err error) {
	hash, digest, _ := strings.Cut(value, " ")
	f = Fingerprint{Hash: strings.ToLower(hash), Value: strings.ToUpper(strings.TrimSpace(digest))}

	size, ok := digestSizes[f.Hash]
	if ok && !isDigest(f.Value, size) {
		return Fingerprint{}, false, fmt.Errorf("%w: a %s fingerprint that is none", ErrMalformed, f.Hash)
	}

	return f, ok, nil
}

// readTransport reads what belongs to the one transport of all accepted
// sections.
func (o *Offer) readTransport(description *sdp.SessionDescription) error {
	group, err := bundleOf(description, o.Videos)
	if err != nil {
		return err
	}

	o.readIdle(description, group)

	// RFC 9143, section 7.3: the group's transport is that of its first section
	// that is accepted. Offerers that say it once say it in another one (section
	// 7.2).
	tagged := sectionOf(description, o.transportSection().mid)
	sources := [][]sdp.Attribute{tagged.Attributes, description.Attributes}

	for _, mid := range append(slices.Clip(group), o.Videos[0].Mid) {
		if other := sectionOf(description, mid); other != nil {
			sources = append(sources, other.Attributes)
		}
	}

	if err := o.readICE(sources, has(description.Attributes, "ice-lite")); err != nil {
		return err
	}

	if err := o.readDTLS(sources); err != nil {
		return err
	}

	o.mixed = has(description.Attributes, "extmap-allow-mixed")

	for _, video := range o.Videos {
		if !muxes(sectionOf(description, video.Mid)) && (len(o.bundle) == 0 || !muxes(tagged)) {
			return fmt.Errorf("%w: section %q without rtcp-mux", ErrUnsupported, video.Mid)
		}
	}

	return nil
}

// readIdle sets o.bundle and which audio sections are answered inactive instead
// of being refused: those in the BUNDLE group. If the group's first section is
// refused, its transport goes with it, and with max-bundle the others have no
// other: Chromium then takes no answer at all, and RFC 9143, section 7.3.1, knows
// none for sections marked bundle-only. GStreamer 1.22 and aiortc do not get
// along with a refused section wherever it is. GStreamer sends audio anyway:
// whoever receives must drop payload types that were not accepted.
func (o *Offer) readIdle(description *sdp.SessionDescription, group []string) {
	for _, mid := range group {
		i := slices.IndexFunc(o.sections, func(s section) bool { return s.mid == mid })
		if i < 0 || slices.Contains(o.bundle, mid) {
			continue
		}

		s := &o.sections[i]
		media := sectionOf(description, mid)
		s.idle = s.video < 0 && s.rtpmap != "" && alive(media) && isSAVPF(media) && muxes(media)

		if s.accepted() {
			o.bundle = append(o.bundle, mid)
		}
	}
}

func (o *Offer) readICE(sources [][]sdp.Attribute, lite bool) error {
	// We send no checks either.
	if lite {
		return fmt.Errorf("%w: the offerer is ICE lite as well", ErrUnsupported)
	}

	o.ICE = ICE{Ufrag: firstValue(sources, "ice-ufrag"), Pwd: firstValue(sources, "ice-pwd")}
	if !o.ICE.valid() {
		return fmt.Errorf("%w: no ICE credentials", ErrMalformed)
	}

	o.trickle = slices.Contains(strings.Fields(firstValue(sources, "ice-options")), "trickle")

	return nil
}

func (o *Offer) readDTLS(sources [][]sdp.Attribute) error {
	// RFC 8842, section 5.2: we are the server, so the offerer must be the client.
	switch o.Setup = firstValue(sources, "setup"); o.Setup {
	case "actpass", "active":
	case "passive", "holdconn":
		return fmt.Errorf("%w: setup:%s, the offerer must be the DTLS client", ErrUnsupported, o.Setup)
	default:
		return fmt.Errorf("%w: no DTLS setup", ErrMalformed)
	}

	i := slices.IndexFunc(sources, func(attributes []sdp.Attribute) bool { return has(attributes, "fingerprint") })
	if i < 0 {
		return fmt.Errorf("%w: no DTLS fingerprint", ErrMalformed)
	}

	for _, a := range sources[i] {
		if a.Key != "fingerprint" {
			continue
		}

		fingerprint, ok, err := parseFingerprint(a.Value)
		if err != nil {
			return err
		}

		if ok && !slices.Contains(o.Fingerprints, fingerprint) {
			o.Fingerprints = append(o.Fingerprints, fingerprint)
		}
	}

	if len(o.Fingerprints) == 0 {
		return fmt.Errorf("%w: no DTLS fingerprint with SHA-256 or better", ErrUnsupported)
	}

	return nil
}

// bundleOf returns the BUNDLE group that all videos are in; none if there is
// only one, and it is in no group.
func bundleOf(description *sdp.SessionDescription, videos []Video) ([]string, error) {
	var group []string

	for _, a := range description.Attributes {
		members := strings.Fields(a.Value)
		if a.Key == "group" && len(members) > 1 && members[0] == "BUNDLE" && slices.Contains(members[1:], videos[0].Mid) {
			group = members[1:]

			break
		}
	}

	for _, video := range videos {
		bundled := slices.Contains(group, video.Mid)
		_, only := sectionOf(description, video.Mid).Attribute("bundle-only")

		if !bundled && (only || len(videos) > 1) {
			return nil, fmt.Errorf("%w: video sections that are not bundled", ErrUnsupported)
		}
	}

	return group, nil
}

func sectionOf(description *sdp.SessionDescription, mid string) *sdp.MediaDescription {
	for _, media := range description.MediaDescriptions {
		if got, _ := media.Attribute("mid"); got == mid {
			return media
		}
	}

	return nil
}

// muxes tells whether RTCP shares the port of RTP (RFC 5761; RFC 8858).
func muxes(media *sdp.MediaDescription) bool {
	return has(media.Attributes, "rtcp-mux") || has(media.Attributes, "rtcp-mux-only")
}

func firstValue(sources [][]sdp.Attribute, key string) string {
	for _, attributes := range sources {
		for _, a := range attributes {
			if a.Key == key {
				return strings.TrimSpace(a.Value)
			}
		}
	}

	return ""
}
