package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Names of the header extensions that are served.
const (
	uriMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriRID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	uriRepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// maxRIDs bounds how many a=rid lines are looked at.
const maxRIDs = 8

// readExtensions reads a=extmap lines (RFC 8285, section 8) of ids that fit
// one-byte headers. Those with a direction are left out: no known client sends
// extensions of ours that way.
func (v *Video) readExtensions(media *sdp.MediaDescription) {
	const maxID = 14

	var taken [maxID + 1]bool

	for _, a := range media.Attributes {
		fields := strings.Fields(a.Value)
		if a.Key != "extmap" || len(fields) < 2 {
			continue
		}

		id, err := strconv.ParseUint(fields[0], 10, 8)
		if err != nil || id == 0 || id > maxID || taken[id] {
			continue
		}

		taken[id] = true

		if field := v.Extensions.field(fields[1]); field != nil && *field == 0 {
			*field = uint8(id)
		}
	}

	if v.Extensions.TransportCC == 0 || !v.Feedback.TransportCC {
		v.Extensions.TransportCC, v.Feedback.TransportCC = 0, false
	}
}

func (e *Extensions) field(uri string) *uint8 {
	switch uri {
	case uriMID:
		return &e.MID
	case uriRID:
		return &e.RID
	case uriRepairedRID:
		return &e.RepairedRID
	case uriTransportCC:
		return &e.TransportCC
	default:
		return nil
	}
}

// readSimulcast accepts the first layers that the offerer would send (RFC 8853,
// section 5.1). Of alternatives only the first counts. A layer that starts paused
// (~) is one like the others, and stays paused: an answer that does not say so
// would start it.
func (v *Video) readSimulcast(media *sdp.MediaDescription) {
	v.layers = map[string]layer{}

	offered := v.rids(media)
	value, _ := media.Attribute("simulcast")

	for stream := range strings.SplitSeq(sendList(value), ";") {
		if len(v.RIDs) == MaxLayers {
			break
		}

		rid, _, _ := strings.Cut(stream, ",")
		rid, paused := strings.CutPrefix(rid, "~")

		if restrictions, ok := offered[rid]; ok && !slices.Contains(v.RIDs, rid) {
			v.RIDs = append(v.RIDs, rid)
			v.layers[rid] = layer{restrictions: restrictions, paused: paused}
		}
	}
}

// sendList returns what follows "send" in a=simulcast, of which "recv" may be
// the first or the second half. A list with "=" is an early draft's.
func sendList(simulcast string) string {
	fields := strings.Fields(simulcast)
	if i := slices.Index(fields, "send"); i >= 0 && i%2 == 0 && i+1 < len(fields) &&
		!strings.Contains(fields[i+1], "=") {
		return fields[i+1]
	}

	return ""
}

// rids returns the restrictions of the streams that the offerer can send in VP8
// (RFC 8851, section 4), by RID.
func (v *Video) rids(media *sdp.MediaDescription) map[string]string {
	rids := map[string]string{}
	seen := 0

	for _, a := range media.Attributes {
		if a.Key != "rid" {
			continue
		}

		if seen++; seen > maxRIDs {
			break
		}

		fields := strings.Fields(a.Value)
		if len(fields) < 2 || len(fields) > 3 || fields[1] != "send" || !isRID(fields[0]) {
			continue
		}

		restrictions := ""
		if len(fields) == 3 {
			restrictions = fields[2]
		}

		if kept, ok := v.restrict(restrictions); ok {
			rids[fields[0]] = kept
		}
	}

	return rids
}

// restrict returns what the answer says of a stream's restrictions: the same,
// since it must not relax them, without the payload types, of which it has one
// only. It returns false for streams that are not VP8, depend on others, or
// have restrictions that we do not know (RFC 8851, section 6.3).
func (v *Video) restrict(restrictions string) (string, bool) {
	var kept []string

	for restriction := range strings.SplitSeq(restrictions, ";") {
		name, value, _ := strings.Cut(restriction, "=")

		switch name {
		case "":
		case "pt":
			if !slices.Contains(strings.Split(value, ","), strconv.Itoa(int(v.PayloadType))) {
				return "", false
			}
		case "max-width", "max-height", "max-fps", "max-fs", "max-br", "max-pps", "max-bpp":
			if !isToken(value) {
				return "", false
			}

			kept = append(kept, restriction)
		default:
			return "", false
		}
	}

	return strings.Join(kept, ";"), true
}
