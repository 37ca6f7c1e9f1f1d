package negotiate_test

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/sfu/negotiate"
)

// The parts that answers are made of.
var (
	ourSession = []string{"v=0", "o=- ID 0 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"}
	anywhere   = "c=IN IP4 0.0.0.0"
	ours       = []string{
		"a=ice-ufrag:ours", "a=ice-pwd:9876543210987654321098",
		"a=fingerprint:sha-256 " + strings.ReplaceAll(digest, "A1", "B2"), "a=setup:passive", "a=rtcp-mux",
	}
	candidates = []string{
		"a=candidate:1 1 udp 2130706431 203.0.113.9 30123 typ host",
		"a=candidate:2 1 tcp 1520434943 203.0.113.9 30443 typ host tcptype passive",
		"a=end-of-candidates",
	}
	refused = []string{"m=audio 0 UDP/TLS/RTP/SAVPF 111", anywhere, "a=mid:a", "a=inactive", "a=rtpmap:111 opus/48000/2"}
	idle    = slices.Concat([]string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", anywhere, "a=mid:a"}, ours,
		[]string{"a=inactive", "a=rtpmap:111 opus/48000/2"}, candidates)
	received = slices.Concat([]string{"m=video 9 UDP/TLS/RTP/SAVPF 96", anywhere, "a=mid:v"}, ours,
		[]string{"a=recvonly", "a=rtpmap:96 VP8/90000"}, candidates)
	sessionID = regexp.MustCompile(`(?m)^o=- \d+ `)
)

func TestAnswer(t *testing.T) {
	twcc := "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	tests := map[string]struct {
		raw  string
		view bool
		want string
	}{
		"nothing more than offered": {raw: publishing(), want: join(ourSession, received)},
		"all of a publisher": {
			raw: join(session, []string{"a=group:BUNDLE v", "a=extmap-allow-mixed", "a=ice-options:ice2 trickle"}, video,
				transport, vp8,
				rtx, sends, rids, []string{
					"a=simulcast:send h;l", "a=rtcp-rsize", "a=rtcp-fb:96 goog-remb", "a=rtcp-fb:96 transport-cc",
					"a=rtcp-fb:96 ccm fir",
					"a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset",
					"a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", "a=extmap:3 " + twcc,
					"a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid",
					"a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
					"a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=ssrc:1 cname:x",
				}),
			want: join(ourSession, []string{"a=ice-options:trickle", "a=group:BUNDLE v", "a=extmap-allow-mixed"},
				[]string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97", anywhere, "a=mid:v"}, ours, []string{
					"a=rtcp-rsize", "a=recvonly", "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid",
					"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
					"a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "a=extmap:3 " + twcc,
					"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli",
					"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rid:h recv", "a=rid:l recv", "a=simulcast:recv h;l",
				}, candidates),
		},
		"all of a viewer": {
			raw: viewing(2, append(rtx, "a=rtcp-rsize", "a=extmap-allow-mixed", "a=rtcp-fb:96 transport-cc",
				"a=rtcp-fb:96 ccm fir",
				"a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=extmap:3 "+twcc,
				"a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid")...),
			view: true,
			want: join(ourSession, []string{"a=group:BUNDLE 0 1"}, sent("0"), sent("1")),
		},
		"a viewer without retransmissions": {
			raw: without(viewing(1), "a=group"), view: true,
			want: join(ourSession, []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", anywhere, "a=mid:0"}, ours,
				[]string{"a=sendonly", "a=msid:s0 t0", "a=rtpmap:96 VP8/90000", "a=ssrc:1000 cname:wall",
					"a=ssrc:1000 msid:s0 t0"},
				candidates),
		},
		"audio in the bundle is idle": {
			raw:  join(session, bundle, audio, transport, video, transport, vp8, sends),
			want: join(ourSession, bundle, idle, received),
		},
		"audio that only wants to be in the bundle as well": {
			raw: join(session, []string{"a=group:BUNDLE v a"}, video, transport, vp8, sends,
				[]string{"m=audio 0 UDP/TLS/RTP/SAVPF 111"}, audio[1:], []string{"a=bundle-only", "a=rtcp-mux"}),
			want: join(ourSession, []string{"a=group:BUNDLE v a"}, received, idle),
		},
		"audio outside of the bundle is refused": {
			raw:  join(session, []string{"a=group:BUNDLE v"}, audio, transport, video, transport, vp8, sends),
			want: join(ourSession, []string{"a=group:BUNDLE v"}, refused, received),
		},
		"audio beside a video that is not bundled is refused": {
			raw:  join(session, video, transport, vp8, sends, audio, transport),
			want: join(ourSession, received, refused),
		},
		"audio that the offerer has refused is refused": {
			raw: join(session, bundle, []string{"m=audio 0 UDP/TLS/RTP/SAVPF 111"}, audio[1:], transport,
				video, transport, vp8, sends),
			want: join(ourSession, []string{"a=group:BUNDLE v"}, refused, received),
		},
		"audio without rtcp-mux is refused": {
			raw:  join(session, bundle, audio, video, transport, vp8, sends),
			want: join(ourSession, []string{"a=group:BUNDLE v"}, refused, received),
		},
		"audio of another profile is refused with it": {
			raw: join(session, bundle, []string{"m=audio 9 RTP/AVP 0 8"}, audio[1:3], transport, video, transport, vp8, sends),
			want: join(ourSession, []string{"a=group:BUNDLE v"}, []string{"m=audio 0 RTP/AVP 0", anywhere, "a=mid:a",
				"a=inactive"},
				received),
		},
		"audio of nonsense": {
			raw: join(session, []string{"m=audio 9 RTP/AVP \x01"}, audio[1:3], video, transport, vp8, sends),
			want: join(ourSession, []string{"m=audio 0 RTP/AVP 0", anywhere, "a=mid:a", "a=inactive"},
				received),
		},
		"a group with members that are not there": {
			raw:  join(session, []string{"a=group:", "a=group:LS v", "a=group:BUNDLE x v v"}, video, transport, vp8, sends),
			want: join(ourSession, []string{"a=group:BUNDLE v"}, received),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := parse(tc.raw, tc.view)
			must(t, err)

			answer, err := o.Answer(localFor(o, tc.view))
			must(t, err)

			if diff := cmp.Diff(tc.want, sessionID.ReplaceAllString(answer, "o=- ID ")); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func parse(raw string, view bool) (*negotiate.Offer, error) {
	if view {
		return negotiate.ParseView(raw, 25)
	}

	return negotiate.ParsePublish(raw)
}

// sent is what the answer says of the slot with that number, with all that can
// be accepted.
func sent(n string) []string {
	return slices.Concat([]string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97", anywhere, "a=mid:" + n}, ours, []string{
		"a=rtcp-rsize", "a=extmap-allow-mixed", "a=sendonly", "a=msid:s" + n + " t" + n, "a=rtpmap:96 VP8/90000",
		"a=rtcp-fb:96 nack",
		"a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=ssrc-group:FID 100" + n + " 200" + n,
		"a=ssrc:100" + n + " cname:wall", "a=ssrc:100" + n + " msid:s" + n + " t" + n,
		"a=ssrc:200" + n + " cname:wall", "a=ssrc:200" + n + " msid:s" + n + " t" + n,
	}, candidates)
}

func TestAnswerCandidates(t *testing.T) {
	o, err := negotiate.ParsePublish(publishing())
	must(t, err)

	l := local(0)
	l.Candidates = nil

	for _, c := range []struct {
		address  string
		protocol negotiate.Protocol
	}{
		{"203.0.113.9:1", negotiate.TCP}, {"[::ffff:203.0.113.9]:2", negotiate.UDP},
		{"[fe80::9%eth0]:3", negotiate.UDP}, {"[2001:db8::9]:4", negotiate.TCP},
	} {
		l.Candidates = append(l.Candidates, negotiate.Candidate{AddrPort: netip.MustParseAddrPort(c.address),
			Protocol: c.protocol})
	}

	answer, err := o.Answer(l)
	must(t, err)

	// RFC 8445, section 5.1.2.1: type preference, local preference, component.
	want := lines(
		"a=candidate:1 1 tcp 1520435199 203.0.113.9 1 typ host tcptype passive",
		"a=candidate:2 1 udp 2130706175 203.0.113.9 2 typ host",
		"a=candidate:3 1 udp 2130705919 fe80::9 3 typ host",
		"a=candidate:4 1 tcp 1520434431 2001:db8::9 4 typ host tcptype passive",
		"a=end-of-candidates")
	if _, got, _ := strings.Cut(answer, "VP8/90000\r\n"); got != want {
		t.Errorf("candidates (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestAnswerWithoutStream(t *testing.T) {
	o, err := negotiate.ParseView(viewing(1), 1)
	must(t, err)

	l := local(1)
	l.Slots[0].StreamID, l.Slots[0].RTXSSRC = "", 0

	answer, err := o.Answer(l)
	must(t, err)

	if !strings.Contains(answer, "a=msid:- t0\r\n") {
		t.Errorf("no msid without stream in\n%s", answer)
	}
}

func TestAnswerErrors(t *testing.T) {
	o, err := negotiate.ParseView(viewing(2, rtx...), 2)
	must(t, err)

	publisher, err := negotiate.ParsePublish(publishing())
	must(t, err)

	if _, err := publisher.Answer(local(1)); !errors.Is(err, negotiate.ErrLocal) {
		t.Errorf("a slot for a publisher: %v", err)
	}

	tests := map[string]func(l *negotiate.Local){
		"no ufrag":                 func(l *negotiate.Local) { l.ICE.Ufrag = "" },
		"a short password":         func(l *negotiate.Local) { l.ICE.Pwd = "short" },
		"no fingerprint":           func(l *negotiate.Local) { l.Fingerprint = negotiate.Fingerprint{} },
		"fingerprint in lowercase": func(l *negotiate.Local) { l.Fingerprint.Value = strings.ToLower(l.Fingerprint.Value) },
		"no candidates":            func(l *negotiate.Local) { l.Candidates = nil },
		"no address":               func(l *negotiate.Local) { l.Candidates[0].AddrPort = netip.AddrPort{} },
		"no protocol":              func(l *negotiate.Local) { l.Candidates[0].Protocol = "" },
		"a slot missing":           func(l *negotiate.Local) { l.Slots = l.Slots[1:] },
		"no SSRC":                  func(l *negotiate.Local) { l.Slots[1].SSRC = 0 },
		"an SSRC twice":            func(l *negotiate.Local) { l.Slots[1].SSRC = l.Slots[0].RTXSSRC },
		"no RTX SSRC":              func(l *negotiate.Local) { l.Slots[1].RTXSSRC = 0 },
		"a track with a line":      func(l *negotiate.Local) { l.Slots[1].TrackID = "t\r\na=x" },
		"no track":                 func(l *negotiate.Local) { l.Slots[1].TrackID = "" },
		"a long stream":            func(l *negotiate.Local) { l.Slots[1].StreamID = strings.Repeat("s", 65) },
		"a CNAME of two words":     func(l *negotiate.Local) { l.Slots[1].CNAME = "a b" },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			l := local(2)
			spoil(&l)

			if answer, err := o.Answer(l); !errors.Is(err, negotiate.ErrLocal) || answer != "" {
				t.Errorf("Answer = %q, %v, want %v", answer, err, negotiate.ErrLocal)
			}
		})
	}
}
