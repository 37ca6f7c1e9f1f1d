package negotiate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/sfu/negotiate"
)

func TestParseView(t *testing.T) {
	feedback := negotiate.Feedback{NACK: true, PLI: true}
	tests := map[string]struct {
		raw    string
		videos int
		want   negotiate.Video
	}{
		"as Chromium offers": {
			raw: testdata(t, "chromium-view-25"), videos: 25,
			want: negotiate.Video{Mid: "0", PayloadType: 96, RTX: 97, Feedback: feedback},
		},
		"as aiortc offers": {
			raw: testdata(t, "aiortc-view"), videos: 1,
			want: negotiate.Video{Mid: "0", PayloadType: 97, RTX: 98, Feedback: feedback},
		},
		"sends as well, and what it would send is not of interest": {
			raw: strings.Replace(testdata(t, "chromium-publish-simulcast"), "sendonly", "sendrecv", 1), videos: 1,
			want: negotiate.Video{Mid: "0", PayloadType: 96, RTX: 97, Feedback: feedback},
		},
		"no direction": {raw: without(viewing(1), "a=recvonly"), videos: 1, want: negotiate.Video{Mid: "0", PayloadType: 96}},
		"one without a bundle": {
			raw: without(viewing(1), "a=group"), videos: 1, want: negotiate.Video{Mid: "0", PayloadType: 96},
		},
		"many": {raw: viewing(25), videos: 25, want: negotiate.Video{Mid: "0", PayloadType: 96}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParseView(tc.raw, 25)
			must(t, err)

			if len(o.Videos) != tc.videos {
				t.Fatalf("%d videos, want %d", len(o.Videos), tc.videos)
			}

			if diff := cmp.Diff(tc.want, o.Videos[0], videoOf); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseViewErrors(t *testing.T) {
	unsupported := negotiate.ErrUnsupported
	tests := map[string]struct {
		raw  string
		want error
	}{
		"more than there are slots": {viewing(3), unsupported},
		"nothing to see":            {join(session, audio, transport), unsupported},
		"sends":                     {strings.Replace(viewing(2), "recvonly", "sendonly", 1), unsupported},
		"one of another codec":      {strings.Replace(viewing(2), "VP8", "AV1", 1), unsupported},
		"not bundled":               {without(viewing(2), "a=group"), unsupported},
		"one not bundled":           {strings.Replace(viewing(2), "BUNDLE 0 1", "BUNDLE 0", 1), unsupported},
		"bundled apart": {
			strings.Replace(viewing(2), "a=group:BUNDLE 0 1", lines("a=group:BUNDLE 0")+"a=group:BUNDLE 1", 1), unsupported,
		},
		"of another group":     {strings.Replace(viewing(2), "BUNDLE", "LS", 1), unsupported},
		"no rtcp-mux anywhere": {without(viewing(2), "a=rtcp-mux"), unsupported},
		"a data channel": {
			viewing(1) + lines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d"), unsupported,
		},
		"many sections":  {viewing(2) + strings.Repeat(lines("m=audio 9 RTP/SAVPF 0", "a=mid:a"), 3), unsupported},
		"no fingerprint": {without(viewing(2), "a=fingerprint"), negotiate.ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if o, err := negotiate.ParseView(tc.raw, 2); !errors.Is(err, tc.want) || o != nil {
				t.Errorf("ParseView = %v, %v, want %v", o, err, tc.want)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	own := []string{"a=ice-ufrag:other", "a=ice-pwd:0123456789012345678901", "a=fingerprint:sha-256 " + digest,
		"a=setup:active", "a=rtcp-mux"}
	one := []negotiate.Fingerprint{{Hash: "sha-256", Value: digest}}
	tests := map[string]struct {
		raw          string
		ufrag, setup string
		fingerprints []negotiate.Fingerprint
	}{
		"of the section": {raw: publishing(), ufrag: "abcd", setup: "actpass", fingerprints: one},
		"of the session": {
			raw:   join(session, transport[:4], video, transport[4:], vp8, sends),
			ufrag: "abcd", setup: "actpass", fingerprints: one,
		},
		"the section's before the session's": {
			raw:   join(session, transport[:4], video, own, vp8, sends),
			ufrag: "other", setup: "active", fingerprints: one,
		},
		"of the bundle's first section": {
			raw:   join(session, bundle, audio, transport, video, own, vp8, sends),
			ufrag: "abcd", setup: "actpass", fingerprints: one,
		},
		"of the bundle's first section, which is not the offer's": {
			raw:   join(session, []string{"a=group:BUNDLE v a"}, audio, transport, video, own, vp8, sends),
			ufrag: "other", setup: "active", fingerprints: one,
		},
		"not of a refused section": {
			raw:   join(session, bundle, audio[:3], transport, video, own, vp8, sends),
			ufrag: "other", setup: "active", fingerprints: one,
		},
		"of a refused section, for one without": {
			raw: join(session, bundle, audio[:3], transport, []string{"m=video 0 UDP/TLS/RTP/SAVPF 96"}, video[2:],
				[]string{"a=bundle-only", "a=rtcp-mux-only"}, vp8, sends),
			ufrag: "abcd", setup: "actpass", fingerprints: one,
		},
		"of a bundle whose other sections only want to be in it": {
			raw: join(session, bundle, audio, transport, []string{"m=video 0 UDP/TLS/RTP/SAVPF 96"}, video[2:],
				[]string{"a=bundle-only"}, vp8, sends),
			ufrag: "abcd", setup: "actpass", fingerprints: one,
		},
		"of several certificates": {
			raw: publishing("a=fingerprint:SHA-256 "+strings.ToLower(digest), "a=fingerprint:sha-1 00:11",
				"a=fingerprint:sha-384 "+strings.Repeat("0a:", 47)+"0b", "a=fingerprint:sha-512 "+strings.Repeat("0c:", 63)+"0d"),
			ufrag: "abcd", setup: "actpass",
			fingerprints: append(one,
				negotiate.Fingerprint{Hash: "sha-384", Value: strings.Repeat("0A:", 47) + "0B"},
				negotiate.Fingerprint{Hash: "sha-512", Value: strings.Repeat("0C:", 63) + "0D"}),
		},
		"bare newlines": {raw: strings.ReplaceAll(publishing(), "\r", ""), ufrag: "abcd", setup: "actpass", fingerprints: one},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParsePublish(tc.raw)
			must(t, err)

			if diff := cmp.Diff(negotiate.ICE{Ufrag: tc.ufrag, Pwd: "0123456789012345678901"}, o.ICE); diff != "" {
				t.Errorf("ICE (-want +got):\n%s", diff)
			}

			if o.Setup != tc.setup {
				t.Errorf("setup = %q, want %q", o.Setup, tc.setup)
			}

			if diff := cmp.Diff(tc.fingerprints, o.Fingerprints); diff != "" {
				t.Errorf("fingerprints (-want +got):\n%s", diff)
			}
		})
	}
}
