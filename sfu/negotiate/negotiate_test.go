package negotiate_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/invigil/invigil/sfu/negotiate"
)

func must(t *testing.T, err error) {
	t.Helper()

	if err != nil {
		t.Fatal(err)
	}
}

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

func join(parts ...[]string) string { return lines(slices.Concat(parts...)...) }

// The parts that offers are made of.
var (
	digest = strings.TrimSuffix(strings.Repeat("A1:", 32), ":")

	session   = []string{"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"}
	transport = []string{
		"a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", "a=fingerprint:sha-256 " + digest, "a=setup:actpass",
		"a=rtcp-mux",
	}
	video  = []string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=mid:v"}
	vp8    = []string{"a=rtpmap:96 VP8/90000"}
	rtx    = []string{"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"}
	sends  = []string{"a=sendonly"}
	wants  = []string{"a=recvonly"}
	audio  = []string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:a", "a=rtpmap:111 opus/48000/2", "a=sendonly"}
	bundle = []string{"a=group:BUNDLE a v"}
	rids   = []string{
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "a=rid:h send", "a=rid:l send", "a=rid:m send",
	}
)

// publishing is an offer of one video section, with more lines in it.
func publishing(more ...string) string { return join(session, video, transport, vp8, sends, more) }

// viewing is an offer of n bundled video sections, with more lines in each.
func viewing(n int, more ...string) string {
	offer := slices.Clone(session)
	mids := make([]string, n)

	for i := range mids {
		mids[i] = strconv.Itoa(i)
	}

	offer = append(offer, "a=group:BUNDLE "+strings.Join(mids, " "))

	for _, mid := range mids {
		offer = slices.Concat(offer, video[:2], []string{"a=mid:" + mid}, transport, vp8, wants, more)
	}

	return lines(offer...)
}

// without returns the offer without the lines that start with prefix.
func without(offer, prefix string) string {
	return regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(prefix)+`.*\n`).ReplaceAllString(offer, "")
}

// local is our side, with a slot for each of videos.
func local(videos int) negotiate.Local {
	l := negotiate.Local{
		ICE:         negotiate.ICE{Ufrag: "ours", Pwd: "9876543210987654321098"},
		Fingerprint: negotiate.Fingerprint{Hash: "sha-256", Value: strings.ReplaceAll(digest, "A1", "B2")},
		Candidates: []negotiate.Candidate{
			{AddrPort: netip.MustParseAddrPort("203.0.113.9:30123"), Protocol: negotiate.UDP},
			{AddrPort: netip.MustParseAddrPort("203.0.113.9:30443"), Protocol: negotiate.TCP},
		},
	}

	for i := range videos {
		l.Slots = append(l.Slots, negotiate.Slot{
			SSRC: uint32(1000 + i), RTXSSRC: uint32(2000 + i),
			StreamID: fmt.Sprintf("s%d", i), TrackID: fmt.Sprintf("t%d", i), CNAME: "wall",
		})
	}

	return l
}

// localFor is local for an offer, which is a viewer's if viewer is set.
func localFor(o *negotiate.Offer, viewer bool) negotiate.Local {
	if !viewer {
		return local(0)
	}

	return local(len(o.Videos))
}

// testdata returns an offer that somebody's client has made; README.md says how.
func testdata(t testing.TB, name string) string {
	t.Helper()

	raw, err := os.ReadFile(filepath.Join("testdata", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}

	return string(raw)
}
