package sfu_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu"
)

// watch shows a student by WHEP; the PeerConnection then connects by itself.
func (p *pod) watch(r *receiver, viewer, student string) answer {
	p.t.Helper()

	posted := p.do(http.MethodPost, "/whep/"+student, p.viewGrant(viewer), r.offer(p.t), "Content-Type", "application/sdp")
	if posted.status != http.StatusCreated {
		p.t.Fatalf("POST = %d %s", posted.status, posted.body)
	}

	r.answered(p.t, posted.body)

	return posted
}

// TestWHEP: one stream, waited for, with the first picture, until DELETE.
func TestWHEP(t *testing.T) {
	t.Parallel()

	p := startPod(t, onlyWhenAsked)
	r := newReceiver(t, 1, true)
	posted := p.watch(r, "vera", "ada")

	location := posted.header.Get("Location")
	if !strings.HasPrefix(location, "/whep/sessions/") || !strings.HasPrefix(posted.header.Get("ETag"), `"`) ||
		posted.header.Get("Content-Type") != "application/sdp" || !strings.Contains(posted.body, "a=sendonly") {
		t.Errorf("POST = %v %s", posted.header, posted.body)
	}

	p.eventually("it connects", 10*time.Second, func() bool {
		return r.ConnectionState() == webrtc.PeerConnectionStateConnected
	})

	p.broadcast("ada", newFeed(t, "l", 'l', 320, 180), newFeed(t, "h", 'h', 640, 360))
	p.eventually("frames of the high layer", 10*time.Second, func() bool {
		got := r.got(0)

		return len(got) > 20 && got[len(got)-1].Marker && got[len(got)-1].Payload[len(got[len(got)-1].Payload)-1] == 'h'
	})
	checkContinuous(t, r.complete(t, 0))

	if got := p.stream("ada").Wanted; got != wire.WantedHigh {
		t.Errorf("wanted = %s", got)
	}

	// A second one to the running stream begins with the cached picture.
	late := newReceiver(t, 1, true)
	p.watch(late, "otto", "ada")
	p.eventually("it plays", 10*time.Second, func() bool { return len(late.got(0)) > 20 })
	checkContinuous(t, late.complete(t, 0))

	if got := p.metric("invigil_sfu_viewers"); got != "2" {
		t.Errorf("%s viewers", got)
	}

	if got := p.do(http.MethodDelete, location, p.viewGrant("vera"), ""); got.status != http.StatusOK {
		t.Errorf("DELETE = %d %s", got.status, got.body)
	}

	p.eventually("the viewer hears of it", 5*time.Second, func() bool {
		return r.ConnectionState() == webrtc.PeerConnectionStateClosed
	})

	// The other one leaves by itself, or rather its PeerConnection does.
	late.leave(t)
	p.eventually("it is gone", 5*time.Second, func() bool {
		return p.metric(`invigil_sfu_viewers_ended_total{reason="DtlsClosed"}`) == "1"
	})

	if got := p.metric("invigil_sfu_viewers"); got != "0" {
		t.Errorf("%s viewers", got)
	}
}

func TestWHEPRefusals(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) { o.more = func(c *sfu.Config) { c.Viewers.Limit = 1 } })
	one, two := newReceiver(t, 1, true).offer(t), newReceiver(t, 2, true).offer(t)

	options := p.do(http.MethodOptions, "/whep/ada", "", "")
	if options.status != http.StatusNoContent || options.header.Get("Accept-Post") != "application/sdp" {
		t.Errorf("OPTIONS = %d %v", options.status, options.header)
	}

	internal := p.sign(token.Internal, "lab", noClaims)
	expired, err := p.signerFor(exam, func() time.Time { return time.Now().Add(-time.Hour) }).
		Sign(token.View, "vera", time.Minute, token.Claims{Shard: shard})
	must(t, err)

	for name, tc := range map[string]struct {
		method, bearer, body, contentType string
		want                              int
		code                              wire.ErrorCode
	}{
		"no grant":         {"", "-", one, "", 401, wire.CodeUnauthenticated},
		"a media grant":    {"", p.grant("ada"), one, "", 401, wire.CodeUnauthenticated},
		"expired":          {"", expired, one, "", 401, wire.CodeTokenExpired},
		"another shard":    {"", p.sign(token.View, "vera", token.Claims{Shard: "x"}), one, "", 403, wire.CodeForbidden},
		"wrong type":       {"", "", one, "application/json", 415, wire.CodeUnsupportedMedia},
		"too large":        {"", "", one + strings.Repeat("a=x\r\n", 1<<14), "", 413, wire.CodeTooLarge},
		"garbage":          {"", "", "garbage", "", 400, wire.CodeBadRequest},
		"does not receive": {"", "", strings.ReplaceAll(one, "a=recvonly", "a=sendonly"), "", 422, wire.CodeUnsupportedOffer},
		"no VP8":           {"", "", strings.ReplaceAll(one, "VP8/", "VP7/"), "", 422, wire.CodeUnsupportedOffer},
		"two videos":       {"", "", two, "", 422, wire.CodeTooManySlots},
		"GET":              {http.MethodGet, "", "", "", 405, wire.CodeMethodNotAllowed},
	} {
		if tc.method == "" {
			tc.method = http.MethodPost
		}

		if tc.bearer == "" {
			tc.bearer = p.viewGrant("vera")
		}

		if tc.contentType == "" {
			tc.contentType = "application/sdp"
		}

		got := p.do(tc.method, "/whep/ada", strings.TrimPrefix(tc.bearer, "-"), tc.body, "Content-Type", tc.contentType)
		if got.status != tc.want || got.code() != tc.code {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, tc.want, tc.code)
		}
	}

	if got := p.metric("invigil_sfu_viewers"); got != "0" {
		t.Errorf("%s viewers", got)
	}

	// A component may watch too; and then the pod is full.
	posted := p.do(http.MethodPost, "/whep/ada", internal, one, "Content-Type", "application/sdp")
	if posted.status != http.StatusCreated {
		t.Fatalf("POST = %d %s", posted.status, posted.body)
	}

	full := p.do(http.MethodPost, "/whep/ada", p.viewGrant("vera"), one, "Content-Type", "application/sdp")
	if full.status != http.StatusServiceUnavailable || full.code() != wire.CodeTooManySessions ||
		full.header.Get("Retry-After") == "" {
		t.Errorf("POST = %d %s", full.status, full.body)
	}

	location, etag := posted.header.Get("Location"), posted.header.Get("ETag")

	const fragment = "a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"

	fresh := "a=ice-ufrag:other\r\na=ice-pwd:otherotherotherotherother\r\n"

	for name, tc := range map[string]struct {
		path, bearer, body, match string
		want                      int
	}{
		"trickle":              {location, internal, fragment, etag, 204},
		"old ETag":             {location, internal, fragment, `"old"`, 412},
		"no ETag":              {location, internal, fragment, "", 428},
		"no new credentials":   {location, internal, fragment, "*", 400},
		"no new password":      {location, internal, "a=ice-ufrag:other\r\n", "*", 400},
		"credentials and ETag": {location, internal, fresh, etag, 412},
		"garbage":              {location, internal, "garbage", etag, 400},
		"another viewer":       {location, p.viewGrant("vera"), fragment, etag, 404},
		"no such session":      {"/whep/sessions/x", internal, fragment, etag, 404},
		"by WHIP":              {strings.Replace(location, "/whep/sessions/", "/whip/", 1), internal, fragment, etag, 404},
		"a student":            {location, p.grant("ada"), fragment, etag, 401},
	} {
		header := []string{"Content-Type", "application/trickle-ice-sdpfrag"}
		if tc.match != "" {
			header = append(header, "If-Match", tc.match)
		}

		if got := p.do(http.MethodPatch, tc.path, tc.bearer, tc.body, header...); got.status != tc.want {
			t.Errorf("%s: PATCH = %d %s, want %d", name, got.status, got.body, tc.want)
		}
	}

	for _, step := range []struct {
		bearer string
		want   int
	}{{p.viewGrant("vera"), 404}, {p.grant("ada"), 401}, {"", 401}, {internal, 200}, {internal, 404}} {
		if got := p.do(http.MethodDelete, location, step.bearer, ""); got.status != step.want {
			t.Errorf("DELETE = %d %s, want %d", got.status, got.body, step.want)
		}
	}

	p.announce()
	p.eventually("not ready", 5*time.Second, func() bool { return p.status("/readyz") != http.StatusOK })

	got := p.do(http.MethodPost, "/whep/ada", internal, one, "Content-Type", "application/sdp")
	if got.status != http.StatusServiceUnavailable || got.code() != wire.CodeNotReady {
		t.Errorf("POST = %d %s", got.status, got.body)
	}
}

func TestWHEPConnectTimeout(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) {
		o.more = func(c *sfu.Config) { c.Viewers.Timing.Connect = 300 * time.Millisecond }
	})
	offer := newReceiver(t, 1, true).offer(t)

	got := p.do(http.MethodPost, "/whep/ada", p.viewGrant("vera"), offer, "Content-Type", "application/sdp")
	if got.status != http.StatusCreated {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	p.eventually("it ends", 5*time.Second, func() bool {
		return p.metric(`invigil_sfu_viewers_ended_total{reason="ConnectTimeout"}`) == "1"
	})

	// The same of a slot viewer closes its socket.
	silent := newReceiver(t, 1, true)
	socket, _ := p.dialView(p.viewGrant("vera"))
	v := &viewer{receiver: silent, t: t, p: p, socket: socket, ended: make(chan struct{})}
	v.send(wire.ViewCommand{Type: "offer", SDP: offer})

	go v.listen()

	if got := v.closeCode(); got != wire.CloseTransportFailed {
		t.Errorf("closed with %v", v.err)
	}
}

// TestIceServers: peers are told of them, and of changes.
func TestIceServers(t *testing.T) {
	t.Parallel()

	file := t.TempDir() + "/ice-servers.json"
	replace(t, file, `[{"urls":["stun:stun.example"]}]`)

	p := startPod(t, func(o *podOptions) { o.more = func(c *sfu.Config) { c.IceServersFile = file } })
	links := func(path string) []string { return p.do(http.MethodOptions, path, "", "").header.Values("Link") }

	for _, path := range []string{"/whip", "/whep/ada"} {
		p.eventually("OPTIONS "+path+" names it", 5*time.Second, func() bool {
			return slices.Equal(links(path), []string{`<stun:stun.example>; rel="ice-server"`})
		})
	}

	replace(t, file, `[{"urls":["turn:a.example?transport=udp","turns:a.example"],"username":"u","credential":"p\"w"}]`)

	const more = `; rel="ice-server"; username="u"; credential="p\"w"; credential-type="password"`

	want := []string{"<turn:a.example?transport=udp>" + more, "<turns:a.example>" + more}
	p.eventually("the change is seen", 10*time.Second, func() bool { return slices.Equal(links("/whip"), want) })

	// What cannot be read changes nothing.
	replace(t, file, `garbage`)
	p.eventually("it is logged", 10*time.Second, func() bool { return p.logs.FilterMessage("ICE servers file").Len() > 0 })

	if posted := p.post("ada", p.offer()); !slices.Equal(posted.header.Values("Link"), want) {
		t.Errorf("POST: %q", posted.header.Values("Link"))
	}

	r := newReceiver(t, 1, true)
	if posted := p.watch(r, "vera", "ada"); !slices.Equal(posted.header.Values("Link"), want) {
		t.Errorf("POST: %q", posted.header.Values("Link"))
	}
}
