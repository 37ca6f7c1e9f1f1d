package negotiate

import (
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
)

// Fragment is a trickle ICE fragment (RFC 8840, section 9).
type Fragment struct {
	// ICE are the credentials that the candidates belong to, "" where the fragment
	// does not say. Others than the offer's ask for an ICE restart, which needs
	// both.
	ICE ICE
	// Candidates is how many candidates it carries.
	Candidates int
}

// ParseFragment reads the body of a WHIP PATCH.
func ParseFragment(raw string) (Fragment, error) {
	var fragment Fragment

	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}

		if len(line) < 2 || line[1] != '=' {
			return Fragment{}, fmt.Errorf("%w: a line without type", ErrMalformed)
		}

		key, value, _ := strings.Cut(line, ":")

		switch key {
		case "a=ice-ufrag":
			fragment.ICE.Ufrag = value
		case "a=ice-pwd":
			fragment.ICE.Pwd = value
		case "a=candidate":
			fragment.Candidates++
		}
	}

	if fragment.ICE.Ufrag != "" && fragment.ICE.Pwd != "" && !fragment.ICE.valid() {
		return Fragment{}, fmt.Errorf("%w: ICE credentials that are none", ErrMalformed)
	}

	return fragment, nil
}

// RestartFragment returns the answer to a fragment that asks for an ICE restart
// (RFC 9725, section 4.3.3): local's new credentials, and its candidates, in the
// section that carries the transport. Slots and fingerprint stay as they were.
func (o *Offer) RestartFragment(local Local) (string, error) {
	if err := local.checkICE(); err != nil {
		return "", err
	}

	tagged := o.transportSection()

	var out strings.Builder

	for _, a := range o.sessionAttributes() {
		// Not of ICE.
		if a.Key != "extmap-allow-mixed" {
			writeAttribute(&out, a)
		}
	}

	fmt.Fprintf(&out, "m=%s\r\n", o.mediaName(tagged))

	for _, a := range append(local.iceAttributes(tagged.mid), local.candidates()...) {
		writeAttribute(&out, a)
	}

	return out.String(), nil
}

func writeAttribute(out *strings.Builder, a sdp.Attribute) {
	out.WriteString("a=" + a.Key)

	if a.Value != "" {
		out.WriteString(":" + a.Value)
	}

	out.WriteString("\r\n")
}
