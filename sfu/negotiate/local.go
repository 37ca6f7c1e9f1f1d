package negotiate

import (
	"errors"
	"fmt"

	"github.com/pion/sdp/v3"
)

// ErrLocal says that our own side cannot be put into words: a mistake of the
// caller, not of the offerer.
var ErrLocal = errors.New("local description")

// Local is our side of a session.
type Local struct {
	ICE         ICE
	Fingerprint Fingerprint
	// Candidates are where we are reached, in order of preference; at least one.
	Candidates []Candidate
	// Slots are what a viewer is sent, one for each of Offer.Videos; a publisher
	// is sent nothing.
	Slots []Slot
}

// Slot is a video that is sent to a viewer.
type Slot struct {
	// SSRC and RTXSSRC, of the video and of its retransmissions, are unique among
	// an answer's slots. RTXSSRC is not needed where Video.RTX is 0.
	SSRC, RTXSSRC uint32
	// StreamID and TrackID become those of the MediaStream and its track (RFC
	// 8830): tokens of at most 64 characters. StreamID may be "": no stream.
	StreamID, TrackID string
	// CNAME is the RTCP name of the source (RFC 3550, section 6.5.1), without
	// spaces. Slots that are to be synchronised have the same.
	CNAME string
}

// msid returns the slot's value of a=msid.
func (s Slot) msid() string {
	if s.StreamID == "" {
		return "- " + s.TrackID
	}

	return s.StreamID + " " + s.TrackID
}

func (l Local) check(o *Offer) error {
	if err := l.checkICE(); err != nil {
		return err
	}

	if !isDigest(l.Fingerprint.Value, digestSizes[l.Fingerprint.Hash]) {
		return fmt.Errorf("%w: not a fingerprint: %q %q", ErrLocal, l.Fingerprint.Hash, l.Fingerprint.Value)
	}

	want := len(o.Videos)
	if o.publish {
		want = 0
	}

	if len(l.Slots) != want {
		return fmt.Errorf("%w: %d slots, want %d", ErrLocal, len(l.Slots), want)
	}

	used := map[uint32]bool{0: true}

	for i, slot := range l.Slots {
		ssrcs := []uint32{slot.SSRC}
		if o.Videos[i].RTX != 0 {
			ssrcs = append(ssrcs, slot.RTXSSRC)
		}

		for _, n := range ssrcs {
			if used[n] {
				return fmt.Errorf("%w: slot %d has SSRC %d, which is 0 or another's", ErrLocal, i, n)
			}

			used[n] = true
		}

		if slot.StreamID != "" && !isMSID(slot.StreamID) || !isMSID(slot.TrackID) || !isText(slot.CNAME) {
			return fmt.Errorf("%w: slot %d has bad names: %+v", ErrLocal, i, slot)
		}
	}

	return nil
}

func (l Local) checkICE() error {
	if !l.ICE.valid() {
		return fmt.Errorf("%w: not ICE credentials", ErrLocal)
	}

	if len(l.Candidates) == 0 {
		return fmt.Errorf("%w: no candidates", ErrLocal)
	}

	for _, c := range l.Candidates {
		if !c.valid() {
			return fmt.Errorf("%w: not a candidate: %s %q", ErrLocal, c.AddrPort, c.Protocol)
		}
	}

	return nil
}

// isMSID is msid-id of RFC 8830, section 2.
func isMSID(s string) bool { return isToken(s) && len(s) <= 64 }

func (l Local) iceAttributes(mid string) []sdp.Attribute {
	return []sdp.Attribute{
		{Key: "mid", Value: mid}, {Key: "ice-ufrag", Value: l.ICE.Ufrag}, {Key: "ice-pwd", Value: l.ICE.Pwd},
	}
}

func (l Local) candidates() []sdp.Attribute {
	attributes := make([]sdp.Attribute, 0, len(l.Candidates)+1)
	for i, c := range l.Candidates {
		attributes = append(attributes, sdp.Attribute{Key: "candidate", Value: c.attribute(i)})
	}

	return append(attributes, sdp.Attribute{Key: "end-of-candidates"})
}
