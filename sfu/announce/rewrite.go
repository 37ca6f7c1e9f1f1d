package announce

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrNoSection says that the answer accepts no media section that could carry
// candidates.
var ErrNoSection = errors.New("the answer accepts no media section")

// Rewrite returns answer with addresses as its only ICE candidates: UDP host
// candidates of component 1 followed by end-of-candidates (RFC 8839, RFC 8840),
// in every media section that the answer accepts. Everything else stays as it
// is, byte by byte. Sections of one BUNDLE share their transport, so naming it
// in each of them is redundant and right.
func Rewrite(answer string, addresses []netip.AddrPort) (string, error) {
	var (
		out      strings.Builder
		accepted bool // in a section that wants candidates
		sections int
	)

	out.Grow(len(answer) + len(addresses)*80)

	finish := func() {
		if !accepted {
			return
		}

		for i, address := range addresses {
			writeCandidate(&out, i, address)
		}

		out.WriteString("a=end-of-candidates\r\n")
	}

	for line := range strings.Lines(answer) {
		line = strings.TrimRight(line, "\r\n")

		switch {
		case line == "",
			strings.HasPrefix(line, "a=candidate:"),
			line == "a=end-of-candidates":
			continue
		case strings.HasPrefix(line, "m="):
			finish()

			if accepted = !rejected(line); accepted {
				sections++
			}
		}

		out.WriteString(line)
		out.WriteString("\r\n")
	}

	finish()

	if sections == 0 {
		return "", ErrNoSection
	}

	return out.String(), nil
}

// rejected tells whether a media line refuses its section: port 0 (RFC 3264,
// section 6).
func rejected(mediaLine string) bool {
	fields := strings.Fields(mediaLine)

	return len(fields) < 2 || fields[1] == "0"
}

// writeCandidate writes the i-th host candidate. The first address is the
// preferred one (RFC 8445, section 5.1.2.1: type preference 126 for host). Each
// address is its own base, so each has its own foundation.
func writeCandidate(out *strings.Builder, i int, address netip.AddrPort) {
	const (
		hostPreference = 126
		component      = 1
	)

	priority := hostPreference<<24 | (65535-i)<<8 | (256 - component)
	fmt.Fprintf(out, "a=candidate:%d %d udp %d %s %d typ host\r\n",
		i+1, component, priority, address.Addr(), address.Port())
}
