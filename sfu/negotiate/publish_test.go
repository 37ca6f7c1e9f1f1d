package negotiate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/invigil/invigil/sfu/negotiate"
)

// videoOf compares what is read of a video section; nil and empty are the same.
var videoOf = cmp.Options{cmpopts.IgnoreUnexported(negotiate.Video{}), cmpopts.EquateEmpty()}

func TestParsePublishVideo(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want negotiate.Video
	}{
		"as GStreamer offers": {
			raw: testdata(t, "gstreamer-publish"),
			// transport-cc is offered without its header extension.
			want: negotiate.Video{Mid: "video0", PayloadType: 96, Feedback: negotiate.Feedback{PLI: true}, SSRCs: []uint32{2}},
		},
		"as GStreamer offers, with audio": {
			raw:  testdata(t, "gstreamer-publish-audio"),
			want: negotiate.Video{Mid: "video0", PayloadType: 96, Feedback: negotiate.Feedback{PLI: true}, SSRCs: []uint32{2}},
		},
		"as aiortc offers": {
			raw: testdata(t, "aiortc-publish"),
			want: negotiate.Video{
				Mid: "0", PayloadType: 97, RTX: 98, Feedback: negotiate.Feedback{NACK: true, PLI: true},
				SSRCs: []uint32{4070460408}, Repairs: map[uint32]uint32{4070460408: 1755897991},
				Extensions: negotiate.Extensions{MID: 1},
			},
		},
		"as Chromium offers, with simulcast": {
			raw: testdata(t, "chromium-publish-simulcast"),
			want: negotiate.Video{
				Mid: "0", PayloadType: 96, RTX: 97, Feedback: negotiate.Feedback{NACK: true, PLI: true, TransportCC: true},
				RIDs:       []string{"l", "h"},
				Extensions: negotiate.Extensions{MID: 9, RID: 10, RepairedRID: 11, TransportCC: 4},
			},
		},
		"as Chromium offers, with audio": {
			raw: testdata(t, "chromium-publish-audio"),
			want: negotiate.Video{
				Mid: "1", PayloadType: 96, RTX: 97, Feedback: negotiate.Feedback{NACK: true, PLI: true, TransportCC: true},
				SSRCs: []uint32{4143542439}, Repairs: map[uint32]uint32{4143542439: 3649974469},
				Extensions: negotiate.Extensions{MID: 4, RID: 10, RepairedRID: 11, TransportCC: 3},
			},
		},
		"little": {raw: publishing(), want: negotiate.Video{Mid: "v", PayloadType: 96}},
		"the first VP8 and its own retransmissions": {
			raw: join(session, []string{"m=video 9 UDP/TLS/RTP/SAVPF 90 98 99 100 101 96"}, video[2:], transport, sends, vp8,
				[]string{
					"a=rtpmap:90 VP8/90000", "a=rtpmap:98 vp8/90000", "a=rtpmap:99 rtx/90000", "a=fmtp:99 apt=96",
					"a=rtpmap:100 rtx/90000", "a=fmtp:100 rtx-time=3000; apt=98", "a=rtpmap:101 rtx/90000", "a=fmtp:101 apt=98",
				}),
			want: negotiate.Video{Mid: "v", PayloadType: 98, RTX: 100},
		},
		"a codec that no format names": {
			raw: publishing("a=rtpmap:102 rtx/90000", "a=fmtp:102 apt=96"), want: negotiate.Video{Mid: "v", PayloadType: 96},
		},
		"feedback for every format, and for another": {
			raw:  publishing("a=rtcp-fb:* nack", "a=rtcp-fb:97 nack pli", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 goog-remb"),
			want: negotiate.Video{Mid: "v", PayloadType: 96, Feedback: negotiate.Feedback{NACK: true}},
		},
		"transport-cc needs feedback and extension": {
			raw: publishing("a=rtcp-fb:96 nack",
				"a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
			want: negotiate.Video{Mid: "v", PayloadType: 96, Feedback: negotiate.Feedback{NACK: true}},
		},
		"ids of extensions": {
			raw: publishing("a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid",
				"a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid",
				"a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "a=extmap:x urn:y", "a=extmap:7"),
			want: negotiate.Video{Mid: "v", PayloadType: 96, Extensions: negotiate.Extensions{MID: 14}},
		},
		"SSRCs that repair others": {
			raw: publishing("a=ssrc-group:FID 1 2", "a=ssrc-group:FEC-FR 1 3", "a=ssrc-group:FID 4 4", "a=ssrc-group:FID x y",
				"a=ssrc:1 cname:x", "a=ssrc:1 msid:a b", "a=ssrc:2 cname:x", "a=ssrc:3 cname:x", "a=ssrc:4 cname:x",
				"a=ssrc:-1 x"),
			want: negotiate.Video{
				Mid: "v", PayloadType: 96, SSRCs: []uint32{1, 4}, Repairs: map[uint32]uint32{1: 2},
			},
		},
		"many SSRCs": {
			raw: publishing("a=ssrc:1", "a=ssrc:2", "a=ssrc:3", "a=ssrc:4", "a=ssrc:5", "a=ssrc:6", "a=ssrc:7", "a=ssrc:8",
				"a=ssrc:9"),
			want: negotiate.Video{
				Mid: "v", PayloadType: 96, SSRCs: []uint32{1, 2, 3, 4, 5, 6, 7, 8},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParsePublish(tc.raw)
			must(t, err)

			if len(o.Videos) != 1 {
				t.Fatalf("%d videos", len(o.Videos))
			}

			if diff := cmp.Diff(tc.want, o.Videos[0], videoOf); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePublishErrors(t *testing.T) {
	unsupported, malformed := negotiate.ErrUnsupported, negotiate.ErrMalformed
	tests := map[string]struct {
		raw  string
		want error
	}{
		"nothing":            {"", malformed},
		"not SDP":            {"hello", malformed},
		"half of it":         {lines(session[:2]...), malformed},
		"no section":         {join(session, transport), unsupported},
		"audio only":         {join(session, transport, audio), unsupported},
		"receives":           {strings.Replace(publishing(), "sendonly", "recvonly", 1), unsupported},
		"inactive":           {strings.Replace(publishing(), "sendonly", "inactive", 1), unsupported},
		"session's inactive": {join(session, []string{"a=inactive"}, video, transport, vp8), unsupported},
		"two videos": {
			join(session, []string{"a=group:BUNDLE v w"}, video, transport, vp8, sends, video[:2], []string{"a=mid:w"},
				transport, vp8),
			unsupported,
		},
		"a data channel": {
			publishing() + lines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d"), unsupported,
		},
		"many sections": {
			publishing() + strings.Repeat(lines("m=audio 9 RTP/SAVPF 0", "a=mid:a"), 4), unsupported,
		},
		"another codec":                {strings.Replace(publishing(), "VP8", "VP9", 1), unsupported},
		"VP8 at another rate":          {strings.Replace(publishing(), "VP8/90000", "VP8/8000", 1), unsupported},
		"a payload type of RTCP's":     {strings.ReplaceAll(publishing(), " 96 ", " 72 "), unsupported},
		"without feedback":             {strings.Replace(publishing(), "SAVPF", "SAVP", 1), unsupported},
		"refused by the offerer":       {strings.Replace(publishing(), "m=video 9", "m=video 0", 1), unsupported},
		"bundle-only without a bundle": {publishing("a=bundle-only"), unsupported},
		"no rtcp-mux":                  {without(publishing(), "a=rtcp-mux"), unsupported},
		"passive":                      {strings.Replace(publishing(), "actpass", "passive", 1), unsupported},
		"holdconn":                     {strings.Replace(publishing(), "actpass", "holdconn", 1), unsupported},
		"ICE lite":                     {join(session, []string{"a=ice-lite"}, video, transport, vp8), unsupported},
		"SHA-1":                        {strings.Replace(publishing(), "sha-256", "sha-1", 1), unsupported},
		"no setup":                     {without(publishing(), "a=setup"), malformed},
		"no mid":                       {without(publishing(), "a=mid"), malformed},
		"a mid that is no token":       {strings.Replace(publishing(), "a=mid:v", "a=mid:v\rw", 1), malformed},
		"the same mid twice":           {publishing() + join(audio[:2], video[2:]), malformed},
		"no format":                    {strings.Replace(publishing(), " 96 97", "", 1), malformed},
		"no ufrag":                     {without(publishing(), "a=ice-ufrag"), malformed},
		"no password":                  {without(publishing(), "a=ice-pwd"), malformed},
		"a short password":             {strings.Replace(publishing(), "0123456789", "", 1), malformed},
		"an odd ufrag":                 {strings.Replace(publishing(), "abcd", "ab cd", 1), malformed},
		"no fingerprint":               {without(publishing(), "a=fingerprint"), malformed},
		"a short fingerprint":          {strings.Replace(publishing(), digest, "A1:A1", 1), malformed},
		"a fingerprint of letters":     {strings.Replace(publishing(), "A1:", "XY:", 1), malformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if o, err := negotiate.ParsePublish(tc.raw); !errors.Is(err, tc.want) || o != nil {
				t.Errorf("ParsePublish = %v, %v, want %v", o, err, tc.want)
			}
		})
	}
}
