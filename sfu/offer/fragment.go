package offer

import (
	"fmt"
	"strings"
)

// Fragment is a trickle ICE fragment (RFC 8840, section 9).
type Fragment struct {
	// Ufrag is the ICE user name fragment that the candidates belong to, "" if
	// the fragment does not say. Another one than the offer's asks for an ICE
	// restart.
	Ufrag string
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

		if ufrag, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok {
			fragment.Ufrag = ufrag
		}

		if strings.HasPrefix(line, "a=candidate:") {
			fragment.Candidates++
		}
	}

	return fragment, nil
}
