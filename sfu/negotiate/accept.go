package negotiate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// acceptance is what the answer says of a section that shares the transport.
func (o *Offer) acceptance(s section, local Local) []sdp.Attribute {
	attributes := local.iceAttributes(s.mid)
	add := func(key, value string) { attributes = append(attributes, sdp.Attribute{Key: key, Value: value}) }

	add("fingerprint", local.Fingerprint.Hash+" "+local.Fingerprint.Value)
	add("setup", "passive")
	add("rtcp-mux", "")

	if s.rsize {
		add("rtcp-rsize", "")
	}

	if s.mixed {
		add("extmap-allow-mixed", "")
	}

	switch {
	case s.idle:
		attributes = append(attributes, s.silence()...)
	case o.publish:
		attributes = append(attributes, o.Videos[s.video].reception()...)
	default:
		attributes = append(attributes, o.Videos[s.video].transmission(local.Slots[s.video])...)
	}

	return append(attributes, local.candidates()...)
}

// silence says that no media flows. It names the codec also in refusals, for
// those who compare codecs before they look at the port.
func (s section) silence() []sdp.Attribute {
	attributes := []sdp.Attribute{{Key: "inactive"}}
	if s.rtpmap != "" {
		attributes = append(attributes, sdp.Attribute{Key: "rtpmap", Value: s.rtpmap})
	}

	return attributes
}

// reception is what the answer to a publisher says of its video.
func (v *Video) reception() []sdp.Attribute {
	attributes := []sdp.Attribute{{Key: "recvonly"}}
	for _, e := range v.Extensions.list() {
		attributes = append(attributes, sdp.Attribute{Key: "extmap", Value: number(e.id) + " " + e.uri})
	}

	return slices.Concat(attributes, v.codecs(), v.simulcast())
}

// transmission is what the answer to a viewer says of a video. It has no header
// extensions: none are sent.
func (v *Video) transmission(slot Slot) []sdp.Attribute {
	attributes := []sdp.Attribute{{Key: "sendonly"}, {Key: "msid", Value: slot.msid()}}

	return slices.Concat(attributes, v.codecs(), slot.sources(v.RTX != 0))
}

func (v *Video) codecs() []sdp.Attribute {
	pt := number(v.PayloadType)
	attributes := []sdp.Attribute{{Key: "rtpmap", Value: pt + " VP8/90000"}}

	for _, feedback := range []struct {
		offered bool
		name    string
	}{
		{v.Feedback.TransportCC, "transport-cc"},
		{v.Feedback.NACK, "nack"},
		{v.Feedback.PLI, "nack pli"},
	} {
		if feedback.offered {
			attributes = append(attributes, sdp.Attribute{Key: "rtcp-fb", Value: pt + " " + feedback.name})
		}
	}

	if v.RTX != 0 {
		attributes = append(attributes,
			sdp.Attribute{Key: "rtpmap", Value: number(v.RTX) + " rtx/90000"},
			sdp.Attribute{Key: "fmtp", Value: number(v.RTX) + " apt=" + pt})
	}

	return attributes
}

// simulcast accepts the layers (RFC 8853, section 5.3.2).
func (v *Video) simulcast() []sdp.Attribute {
	if len(v.RIDs) == 0 {
		return nil
	}

	var (
		attributes []sdp.Attribute
		streams    []string
	)

	for _, rid := range v.RIDs {
		l := v.layers[rid]
		attributes = append(attributes, sdp.Attribute{Key: "rid", Value: strings.TrimSpace(rid + " recv " + l.restrictions)})

		if l.paused {
			rid = "~" + rid
		}

		streams = append(streams, rid)
	}

	return append(attributes, sdp.Attribute{Key: "simulcast", Value: "recv " + strings.Join(streams, ";")})
}

// sources announces the slot's SSRCs (RFC 5576): without header extensions they
// are all that tells which section a packet belongs to.
func (s Slot) sources(rtx bool) []sdp.Attribute {
	var attributes []sdp.Attribute

	ssrcs := []uint32{s.SSRC}
	if rtx {
		ssrcs = append(ssrcs, s.RTXSSRC)
		attributes = append(attributes, sdp.Attribute{Key: "ssrc-group", Value: fmt.Sprintf("FID %d %d", s.SSRC, s.RTXSSRC)})
	}

	for _, n := range ssrcs {
		attributes = append(attributes,
			sdp.Attribute{Key: "ssrc", Value: fmt.Sprintf("%d cname:%s", n, s.CNAME)},
			sdp.Attribute{Key: "ssrc", Value: fmt.Sprintf("%d msid:%s", n, s.msid())})
	}

	return attributes
}

type extension struct {
	id  uint8
	uri string
}

func (e *Extensions) list() []extension {
	all := []extension{
		{e.MID, uriMID}, {e.RID, uriRID}, {e.RepairedRID, uriRepairedRID}, {e.TransportCC, uriTransportCC},
	}

	return slices.DeleteFunc(all, func(e extension) bool { return e.id == 0 })
}

func number(pt uint8) string { return strconv.Itoa(int(pt)) }
