package sfu_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

var noClaims token.Claims

func TestRefusals(t *testing.T) {
	p := startPod(t, func(o *podOptions) { o.timing.Connect = time.Second })
	good := p.offer()
	claims := token.Claims{SessionID: "s1", Shard: shard}

	signFor := func(forExam string, audience token.Audience, ttl time.Duration, extra token.Claims) string {
		// A token of the past is as expired as one that has waited.
		at := time.Now
		if ttl < 0 {
			ttl = -ttl
			at = func() time.Time { return time.Now().Add(-time.Hour) }
		}

		signed, err := p.signerFor(forExam, at).Sign(audience, "ada", ttl, extra)
		must(t, err)

		return signed
	}

	tests := map[string]struct {
		method, path, bearer, body string
		contentType                string
		want                       int
		wantCode                   wire.ErrorCode
	}{
		"no grant":      {body: good, bearer: "-", want: 401, wantCode: wire.CodeUnauthenticated},
		"garbage grant": {body: good, bearer: "x.y.z", want: 401, wantCode: wire.CodeUnauthenticated},
		"expired": {
			body:     good,
			bearer:   signFor(exam, token.Media, -time.Minute, claims),
			want:     401,
			wantCode: wire.CodeTokenExpired,
		},
		"wrong exam": {
			body:     good,
			bearer:   signFor("default/other", token.Media, time.Minute, claims),
			want:     403,
			wantCode: wire.CodeWrongExam,
		},
		"wrong audience": {
			body:     good,
			bearer:   signFor(exam, token.Session, time.Minute, claims),
			want:     401,
			wantCode: wire.CodeUnauthenticated,
		},
		"internal token": {
			body:     good,
			bearer:   signFor(exam, token.Internal, time.Minute, claims),
			want:     401,
			wantCode: wire.CodeUnauthenticated,
		},
		"wrong shard": {
			body:     good,
			bearer:   signFor(exam, token.Media, time.Minute, token.Claims{Shard: "finals-sfu-1"}),
			want:     403,
			wantCode: wire.CodeForbidden,
		},
		"no shard": {
			body:     good,
			bearer:   signFor(exam, token.Media, time.Minute, token.Claims{}),
			want:     403,
			wantCode: wire.CodeForbidden,
		},
		"too large":  {body: good + strings.Repeat("a=x\r\n", 1<<14), want: 413, wantCode: wire.CodeTooLarge},
		"wrong type": {body: good, contentType: "application/json", want: 415, wantCode: wire.CodeUnsupportedMedia},
		"no type":    {body: good, contentType: "-", want: 415, wantCode: wire.CodeUnsupportedMedia},
		"garbage":    {body: "garbage", want: 400, wantCode: wire.CodeBadRequest},
		"empty":      {body: "", want: 400, wantCode: wire.CodeBadRequest},
		"no ICE":     {body: strings.ReplaceAll(good, "a=ice-", "a=nice-"), want: 400, wantCode: wire.CodeBadRequest},
		"bad fingerprint": {
			body:     strings.ReplaceAll(good, "a=fingerprint:sha-256 ", "a=fingerprint:"),
			want:     422,
			wantCode: wire.CodeUnsupportedOffer,
		},
		"no VP8": {
			body:     strings.ReplaceAll(good, "VP8/90000", "VP7/90000"),
			want:     422,
			wantCode: wire.CodeUnsupportedOffer,
		},
		"does not send": {
			body:     strings.ReplaceAll(good, "a=sendonly", "a=recvonly"),
			want:     422,
			wantCode: wire.CodeUnsupportedOffer,
		},
		"GET":             {method: http.MethodGet, want: 405, wantCode: wire.CodeMethodNotAllowed},
		"unknown session": {method: http.MethodDelete, path: "/whip/nope", want: 404, wantCode: wire.CodeNotFound},
		"unknown page":    {method: http.MethodGet, path: "/nope", want: 404, wantCode: wire.CodeNotFound},
		"streams, no token": {
			method:   http.MethodGet,
			path:     "/internal/v1/streams",
			bearer:   "-",
			want:     401,
			wantCode: wire.CodeUnauthenticated,
		},
		"streams, a grant": {
			method:   http.MethodGet,
			path:     "/internal/v1/streams",
			want:     401,
			wantCode: wire.CodeUnauthenticated,
		},
		"streams, bad wait": {
			method:   http.MethodGet,
			path:     "/internal/v1/streams?wait=-1",
			bearer:   signFor(exam, token.Internal, time.Minute, noClaims),
			want:     400,
			wantCode: wire.CodeBadRequest,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			switch tc.bearer {
			case "":
				tc.bearer = p.grant("ada")
			case "-":
				tc.bearer = ""
			}

			if tc.contentType == "" {
				tc.contentType = "application/sdp"
			}

			if tc.method == "" {
				tc.method, tc.path = http.MethodPost, "/whip"
			}

			if tc.path == "" {
				tc.path = "/whip"
			}

			got := p.do(tc.method, tc.path, tc.bearer, tc.body, "Content-Type", strings.TrimPrefix(tc.contentType, "-"))
			if got.status != tc.want || got.code() != tc.wantCode {
				t.Errorf("answer = %d %s, want %d %s", got.status, got.body, tc.want, tc.wantCode)
			}
		})
	}

	if got := p.metric("invigil_sfu_joins_total"); got != "0" {
		t.Errorf("%s sessions began", got)
	}
}

// TestBadOfferTakesNothingOver: bad input changes nothing.
func TestBadOfferTakesNothingOver(t *testing.T) {
	p := startPod(t, nil)
	p.publish("ada")

	before := p.stream("ada").Session

	for _, body := range []string{"garbage", strings.ReplaceAll(p.offer(), "VP8/90000", "VP7/90000")} {
		if got := p.post("ada", body); got.status == http.StatusCreated {
			t.Errorf("POST = %d", got.status)
		}
	}

	if got := p.stream("ada"); got == nil || got.Session != before {
		t.Errorf("stream = %+v, want session %s", got, before)
	}
}

func TestWHIP(t *testing.T) {
	p := startPod(t, nil)

	options := p.do(http.MethodOptions, "/whip", "", "")
	if options.status != http.StatusNoContent || options.header.Get("Accept-Post") != "application/sdp" {
		t.Errorf("OPTIONS = %d %v", options.status, options.header)
	}

	posted := p.do(http.MethodPost, "/whip", p.grant("ada"), p.offer(), "Content-Type", "application/sdp; charset=utf-8")
	if posted.status != http.StatusCreated || posted.header.Get("Content-Type") != "application/sdp" {
		t.Fatalf("POST = %d %s", posted.status, posted.body)
	}

	etag, location := posted.header.Get("ETag"), posted.header.Get("Location")
	if !strings.HasPrefix(etag, `"`) || !strings.HasPrefix(location, "/whip/") {
		t.Fatalf("ETag %s, Location %s", etag, location)
	}

	for _, want := range []string{"a=ice-lite", "a=setup:passive", "a=recvonly",
		"typ host tcptype passive\r\na=end-of-candidates"} {
		if !strings.Contains(posted.body, want) {
			t.Errorf("the answer lacks %q:\n%s", want, posted.body)
		}
	}

	const fragment = "a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"

	patches := map[string]struct {
		bearer, body, contentType, match string
		want                             int
	}{
		"trickle":                 {body: fragment, match: etag, want: 204},
		"trickle by a component":  {bearer: p.sign(token.Internal, "scoring", noClaims), body: fragment, match: etag, want: 204},
		"end of candidates":       {body: "a=end-of-candidates\r\n", match: etag, want: 204},
		"old ETag":                {body: fragment, match: `"old"`, want: 412},
		"no ETag":                 {body: fragment, want: 428},
		"ICE restart of the same": {body: fragment, match: "*", want: 400},
		"other credentials":       {body: "a=ice-ufrag:other\r\na=ice-pwd:otherotherotherotherother\r\n", match: etag, want: 412},
		"wrong type":              {body: fragment, contentType: "application/sdp", match: etag, want: 415},
		"garbage":                 {body: "garbage", match: etag, want: 400},
		"another student":         {bearer: p.grant("bob"), body: fragment, match: etag, want: 404},
		"no token":                {bearer: "-", body: fragment, match: etag, want: 401},
	}
	for name, tc := range patches {
		t.Run(name, func(t *testing.T) {
			if tc.bearer == "" {
				tc.bearer = p.grant("ada")
			}

			if tc.contentType == "" {
				tc.contentType = "application/trickle-ice-sdpfrag"
			}

			header := []string{"Content-Type", tc.contentType}
			if tc.match != "" {
				header = append(header, "If-Match", tc.match)
			}

			got := p.do(http.MethodPatch, location, strings.TrimPrefix(tc.bearer, "-"), tc.body, header...)
			if got.status != tc.want {
				t.Errorf("PATCH = %d %s, want %d", got.status, got.body, tc.want)
			}
		})
	}

	if got := p.do(http.MethodDelete, location, p.grant("bob"), ""); got.status != http.StatusNotFound {
		t.Errorf("DELETE by another student = %d", got.status)
	}

	if got := p.do(http.MethodDelete, location, p.sign(token.Internal, "scoring", noClaims), ""); got.status != http.StatusOK {
		t.Errorf("DELETE = %d %s", got.status, got.body)
	}

	if got := p.do(http.MethodDelete, location, p.grant("ada"), ""); got.status != http.StatusNotFound {
		t.Errorf("second DELETE = %d", got.status)
	}
}

// TestAudioAndSimulcast: the answer takes the video's two layers and no audio,
// whatever the order of the sections.
func TestAudioAndSimulcast(t *testing.T) {
	p := startPod(t, nil)
	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(t, err)

	defer func() { must(t, peer.GracefulClose()) }()

	// recvonly, since pion cannot bear that an audio track is not wanted; the
	// section is the same.
	_, err = peer.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionRecvonly,
	})
	must(t, err)

	layer := func(rid string) *webrtc.TrackLocalStaticSample {
		track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8},
			"camera", "student", webrtc.WithRTPStreamID(rid))
		must(t, err)

		return track
	}
	video, err := peer.AddTransceiverFromTrack(layer("low"), webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	must(t, err)
	must(t, video.Sender().AddEncoding(layer("high")))

	offer, err := peer.CreateOffer(nil)
	must(t, err)
	must(t, peer.SetLocalDescription(offer))

	if !strings.Contains(offer.SDP, "a=simulcast:send low;high") {
		t.Fatalf("the test's offer has no simulcast:\n%s", offer.SDP)
	}

	got := p.post("ada", peer.LocalDescription().SDP)
	if got.status != http.StatusCreated {
		t.Fatalf("POST = %d %s", got.status, got.body)
	}

	_, sections, _ := strings.Cut(got.body, "m=audio ")
	audio, videoSection, _ := strings.Cut(sections, "m=video ")

	if !strings.Contains(audio, "a=inactive") {
		t.Errorf("audio is not turned down:\n%s", audio)
	}

	if strings.HasPrefix(videoSection, "0 ") || !strings.Contains(videoSection, "typ host") ||
		!strings.Contains(videoSection, "a=simulcast:recv low;high") {
		t.Errorf("video section:\n%s", videoSection)
	}

	must(t, peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: got.body}))
	p.eventually("it connects", 10*time.Second, func() bool { return p.stream("ada") != nil })
}

func TestTooManySessions(t *testing.T) {
	p := startPod(t, func(o *podOptions) { o.limit = 1 })
	p.publish("ada")

	got := p.post("bob", p.offer())
	if got.status != http.StatusServiceUnavailable || got.code() != wire.CodeTooManySessions ||
		got.header.Get("Retry-After") == "" {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	// Taking over one's own place needs no further one.
	p.publish("ada")
}

func TestNotReady(t *testing.T) {
	p := startPod(t, func(o *podOptions) { o.unready = true })
	post := func() answer {
		return p.post("ada", p.offer())
	}

	if got := p.status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("readyz = %d", got)
	}

	if got := post(); got.status != http.StatusServiceUnavailable || got.code() != wire.CodeNotReady {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	version := p.streams("")
	if version.Ready {
		t.Error("streams says ready")
	}

	// Another port than the one listened on, and another address family: as
	// behind a Service.
	p.announce(wire.Address{IP: "203.0.113.9", Port: 30123}, wire.Address{IP: "2001:db8::9", Port: 30124})

	if got := p.streams("?wait=10&since=" + version.Version); !got.Ready {
		t.Errorf("streams = %+v", got)
	}

	if got := p.status("/readyz"); got != http.StatusOK {
		t.Errorf("readyz = %d", got)
	}

	got := post()
	if got.status != http.StatusCreated || strings.Count(got.body, "a=candidate:") != 4 ||
		!strings.Contains(got.body, " 203.0.113.9 30123 typ host") || !strings.Contains(got.body, " 2001:db8::9 30124 typ host") {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	p.announce()
	p.eventually("unready again", 5*time.Second, func() bool { return p.status("/readyz") == http.StatusServiceUnavailable })
}

// TestWildcard publishes over both IP families to a server that listens on all
// addresses, as it does in a pod.
func TestWildcard(t *testing.T) {
	for name, ip := range map[string]string{"IPv4": "127.0.0.1", "IPv6": "::1"} {
		t.Run(name, func(t *testing.T) {
			p := startPod(t, func(o *podOptions) { o.listen = ":0" })
			p.announce(wire.Address{IP: ip, Port: uint16(p.media.Port)})
			p.eventually("the address is announced", 5*time.Second, func() bool {
				return p.logs.FilterMessage("announced addresses changed").Len() > 0 &&
					strings.Contains(p.post("probe", p.offer()).body, " "+ip+" ")
			})
			p.publishFrom("ada", ip)
			p.eventually("media arrives", 5*time.Second, func() bool { return p.receiving("ada") })
		})
	}
}

func TestLongPoll(t *testing.T) {
	p := startPod(t, nil)
	first := p.streams("")

	if !first.Ready || first.Shard != shard || len(first.Streams) != 0 {
		t.Errorf("streams = %+v", first)
	}

	began := time.Now()
	if got := p.streams("?wait=1&since=" + first.Version); got.Version != first.Version || time.Since(began) < time.Second {
		t.Errorf("nothing happened, and the poll ended with %+v after %v", got, time.Since(began))
	}

	if got := p.streams("?wait=30&since=other.1"); got.Version != first.Version {
		t.Errorf("version = %s, want %s", got.Version, first.Version)
	}

	woken := make(chan wire.Streams, 1)

	go func() { woken <- p.streams("?wait=30&since=" + first.Version) }()

	p.publish("ada")

	select {
	case got := <-woken:
		if len(got.Streams) != 1 || got.Version == first.Version {
			t.Errorf("streams = %+v", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("the poll sleeps on")
	}

	// Another process starts with another version.
	if other := startPod(t, nil).streams(""); strings.Split(other.Version, ".")[0] == strings.Split(first.Version, ".")[0] {
		t.Errorf("versions %s and %s are of two processes", first.Version, other.Version)
	}
}
