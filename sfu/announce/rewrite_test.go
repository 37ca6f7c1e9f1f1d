package announce_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/sfu/announce"
)

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

func addresses(list ...string) []netip.AddrPort {
	var parsed []netip.AddrPort
	for _, a := range list {
		parsed = append(parsed, netip.MustParseAddrPort(a))
	}

	return parsed
}

func TestRewrite(t *testing.T) {
	tests := map[string]struct {
		answer    string
		addresses []netip.AddrPort
		want      string
		wantErr   error
	}{
		"replaces the pod's own addresses": {
			answer: lines("v=0", "a=ice-lite", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0",
				"a=candidate:1 1 udp 2130706431 10.0.0.7 7000 typ host", "a=candidate:1 2 udp 2130706431 10.0.0.7 7000 typ host",
				"a=end-of-candidates", "a=recvonly"),
			addresses: addresses("203.0.113.9:30123"),
			want: lines("v=0", "a=ice-lite", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=recvonly",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host", "a=end-of-candidates"),
		},
		"several, IPv6 too, in order of preference": {
			answer:    lines("v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0"),
			addresses: addresses("203.0.113.9:30123", "[2001:db8::9]:30123"),
			want: lines("v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host",
				"a=candidate:2 1 udp 2130706175 2001:db8::9 30123 typ host", "a=end-of-candidates"),
		},
		"a refused section gets none, a later one does": {
			answer: lines("v=0", "a=group:BUNDLE 1", "m=audio 0 UDP/TLS/RTP/SAVPF 0",
				"a=candidate:1 1 udp 2130706431 10.0.0.7 7000 typ host", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1"),
			addresses: addresses("203.0.113.9:30123"),
			want: lines("v=0", "a=group:BUNDLE 1", "m=audio 0 UDP/TLS/RTP/SAVPF 0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host", "a=end-of-candidates"),
		},
		"every section of a bundle": {
			answer:    lines("v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1"),
			addresses: addresses("203.0.113.9:30123"),
			want: lines("v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host", "a=end-of-candidates",
				"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host", "a=end-of-candidates"),
		},
		"bare newlines become CRLF": {
			answer:    "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:0",
			addresses: addresses("203.0.113.9:30123"),
			want: lines("v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0",
				"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host", "a=end-of-candidates"),
		},
		"nothing accepted": {
			answer:    lines("v=0", "m=video 0 UDP/TLS/RTP/SAVPF 96"),
			addresses: addresses("203.0.113.9:30123"),
			wantErr:   announce.ErrNoSection,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := announce.Rewrite(tc.answer, tc.addresses)
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("Rewrite: %v, want %v", err, tc.wantErr)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
