package offer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/sfu/offer"
)

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

const fingerprint = "a=fingerprint:sha-256 00:11"

// session and the sections are the parts that offers are made of.
var (
	session   = []string{"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"}
	transport = []string{"a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", fingerprint, "a=setup:actpass"}
	vp8       = []string{"a=rtpmap:96 VP8/90000", "a=sendonly"}
	video     = []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:v"}
	opus      = []string{"a=rtpmap:111 opus/48000/2", "a=sendonly"}
	audio     = slices.Concat([]string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:a"}, opus)
)

func join(parts ...[]string) string {
	return lines(slices.Concat(parts...)...)
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		raw     string
		want    string
		wantErr error
	}{
		"as GStreamer offers": {
			raw:  join(session, video, transport, vp8),
			want: join(session, []string{"a=group:BUNDLE v"}, video, transport, vp8),
		},
		"bundled with audio, candidates go": {
			raw: join(session, []string{"a=group:BUNDLE a v"}, audio, transport, video, transport, vp8,
				[]string{"a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=end-of-candidates"}),
			want: join(session, []string{"a=group:BUNDLE v"}, audio, transport, video, transport, vp8),
		},
		"simulcast goes with its SSRCs": {
			raw: join(session, video, transport, vp8, []string{"a=rid:h send", "a=rid:l send", "a=simulcast:send h;l",
				"a=ssrc:1 cname:x", "a=ssrc:2 cname:x"}),
			want: join(session, []string{"a=group:BUNDLE v"}, video, transport, vp8),
		},
		"SSRCs without simulcast stay": {
			raw:  join(session, video, transport, vp8, []string{"a=ssrc:1 cname:x"}),
			want: join(session, []string{"a=group:BUNDLE v"}, video, transport, vp8, []string{"a=ssrc:1 cname:x"}),
		},
		"credentials of the session": {
			raw:  join(session, transport, video, vp8),
			want: join(session, transport, []string{"a=group:BUNDLE v"}, video, vp8),
		},
		"direction of the session": {
			raw:     join(session, transport, []string{"a=recvonly"}, video, vp8[:1]),
			wantErr: offer.ErrUnsupported,
		},
		"not SDP":    {raw: "hello", wantErr: offer.ErrMalformed},
		"no section": {raw: join(session, transport), wantErr: offer.ErrUnsupported},
		"audio only": {raw: join(session, transport, audio), wantErr: offer.ErrUnsupported},
		"two videos": {raw: join(session, transport, video, vp8, video, vp8), wantErr: offer.ErrUnsupported},
		"a data channel": {
			raw:     join(session, transport, video, vp8, []string{"m=application 9 UDP/DTLS/SCTP x", "a=mid:d"}),
			wantErr: offer.ErrUnsupported,
		},
		"many sections": {
			raw:     join(session, transport, video, vp8, audio, audio, audio, audio),
			wantErr: offer.ErrUnsupported,
		},
		"another codec": {
			raw:     join(session, transport, video, []string{"a=rtpmap:96 H264/90000"}),
			wantErr: offer.ErrUnsupported,
		},
		"receives": {
			raw:     join(session, transport, video, vp8[:1], []string{"a=recvonly"}),
			wantErr: offer.ErrUnsupported,
		},
		"refused by the offerer": {
			raw:     join(session, transport, []string{"m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:v"}, vp8),
			wantErr: offer.ErrUnsupported,
		},
		"no mid":         {raw: join(session, transport, video[:2], vp8), wantErr: offer.ErrMalformed},
		"no ICE":         {raw: join(session, transport[2:], video, vp8), wantErr: offer.ErrMalformed},
		"no fingerprint": {raw: join(session, transport[:2], video, vp8), wantErr: offer.ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := offer.Parse(tc.raw)
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("Parse: %v, want %v", err, tc.wantErr)
			}

			if err != nil {
				return
			}

			if diff := cmp.Diff(tc.want, got.SDP); diff != "" {
				t.Errorf("SDP (-want +got):\n%s", diff)
			}

			if got.Ufrag != "abcd" {
				t.Errorf("ufrag = %q", got.Ufrag)
			}

			answer := lines("v=0", "a=group:BUNDLE v", "m=video 9 UDP/TLS/RTP/SAVPF 96")
			bundles := strings.Contains(got.FitAnswer(answer), "BUNDLE")

			if want := strings.Contains(tc.raw, "BUNDLE"); bundles != want {
				t.Errorf("the answer bundles: %t, want %t", bundles, want)
			}
		})
	}
}

func TestParseFragment(t *testing.T) {
	tests := map[string]struct {
		raw     string
		want    offer.Fragment
		wantErr error
	}{
		"candidates": {
			raw: lines("a=ice-ufrag:abcd", "a=ice-pwd:x", "m=video 9 RTP/AVP 0", "a=mid:v",
				"a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=candidate:2 1 udp 1 192.0.2.2 1 typ host"),
			want: offer.Fragment{Ufrag: "abcd", Candidates: 2},
		},
		"end of candidates": {raw: lines("a=end-of-candidates")},
		"empty":             {},
		"bare newlines":     {raw: "a=mid:0\na=ice-ufrag:x\n", want: offer.Fragment{Ufrag: "x"}},
		"garbage":           {raw: "hello", wantErr: offer.ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := offer.ParseFragment(tc.raw)
			if !errors.Is(err, tc.wantErr) || got != tc.want {
				t.Errorf("ParseFragment = %+v, %v, want %+v, %v", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(join(session, video, transport, vp8))
	f.Add(join(session, []string{"a=group:"}, audio, transport, video, vp8))
	f.Fuzz(func(t *testing.T, raw string) {
		parsed, err := offer.Parse(raw)
		if (err == nil) != (parsed != nil) {
			t.Errorf("Parse = %v, %v", parsed, err)
		}
	})
}
