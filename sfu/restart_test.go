package sfu_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// replace writes a file as the kubelet does: all at once.
func replace(t *testing.T, file, data string) {
	t.Helper()
	must(t, os.WriteFile(file+".next", []byte(data), 0o600))
	must(t, os.Rename(file+".next", file))
}

func attribute(sdp, name string) string {
	_, rest, _ := strings.Cut(sdp, "a="+name+":")
	value, _, _ := strings.Cut(rest, "\r\n")

	return value
}

// restartICE does what a WHIP or WHEP client does: it tells of its new
// credentials, and applies the answer's as if it were an answer in full.
func (p *pod) restartICE(peer *webrtc.PeerConnection, answered, location, bearer string) (etag, munged string) {
	p.t.Helper()

	offer := gather(p.t, peer, &webrtc.OfferOptions{ICERestart: true})
	fragment := "a=ice-ufrag:" + attribute(offer, "ice-ufrag") + "\r\na=ice-pwd:" + attribute(offer, "ice-pwd") + "\r\n"

	got := p.do(http.MethodPatch, location, bearer, fragment, "Content-Type", "application/trickle-ice-sdpfrag", "If-Match", "*")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/trickle-ice-sdpfrag" ||
		!strings.Contains(got.body, "a=candidate:") {
		p.t.Fatalf("PATCH = %d %s", got.status, got.body)
	}

	munged = answered
	for _, name := range []string{"ice-ufrag", "ice-pwd"} {
		value := attribute(got.body, name)
		if value == "" || value == attribute(answered, name) {
			p.t.Errorf("%s is %q, and was before", name, value)
		}

		munged = regexp.MustCompile("a="+name+":[^\r]*").ReplaceAllString(munged, "a="+name+":"+value)
	}

	must(p.t, peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: munged}))

	return got.header.Get("ETag"), munged
}

// answers tells whether the pod answers a check with the credentials of an answer.
func (p *pod) answers(sdp, theirs string) bool {
	p.t.Helper()

	socket, err := net.DialUDP("udp", nil, p.media)
	must(p.t, err)

	defer func() { must(p.t, socket.Close()) }()

	request, err := stun.Build(stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(attribute(sdp, "ice-ufrag")+":"+theirs),
		stun.NewShortTermIntegrity(attribute(sdp, "ice-pwd")), stun.Fingerprint)
	must(p.t, err)

	_, err = socket.Write(request.Raw)
	must(p.t, err)
	must(p.t, socket.SetReadDeadline(time.Now().Add(300*time.Millisecond)))

	_, err = socket.Read(make([]byte, 1500))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Error(err)
	}

	return err == nil
}

func TestRestart(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	ada := p.plain("ada")
	r := newReceiver(t, 1, true)
	posted := p.watch(r, "vera", "ada")
	flow := func() {
		t.Helper()

		n := len(r.got(0)) + 20
		p.eventually("media goes on", 10*time.Second, func() bool { return len(r.got(0)) > n })
	}

	flow()

	for name, tc := range map[string]struct {
		peer                           *webrtc.PeerConnection
		answer, location, etag, bearer string
	}{
		"WHIP": {ada.PeerConnection, ada.answer, ada.location, ada.etag, p.grant("ada")},
		"WHEP": {r.PeerConnection, posted.body, posted.header.Get("Location"), posted.header.Get("ETag"), p.viewGrant("vera")},
	} {
		t.Run(name, func(t *testing.T) {
			session := p.stream("ada").Session
			answer := tc.answer

			// Twice: from the second on there is an older session's to forget.
			for range 2 {
				if !p.answers(answer, "x") {
					t.Error("the credentials in use do not work")
				}

				etag, restarted := p.restartICE(tc.peer, answer, tc.location, tc.bearer)
				if etag == "" || etag == tc.etag {
					t.Errorf("ETag %q after %q", etag, tc.etag)
				}

				flow()
				p.eventually("the new ones are in use", 5*time.Second, func() bool { return p.answers(restarted, "x") })
				p.eventually("the old ones are gone", 10*time.Second, func() bool { return !p.answers(answer, "x") })

				trickle := func(match string) int {
					return p.do(http.MethodPatch, tc.location, tc.bearer, "a=end-of-candidates\r\n",
						"Content-Type", "application/trickle-ice-sdpfrag", "If-Match", match).status
				}
				if old, now := trickle(tc.etag), trickle(etag); old != 412 || now != 204 {
					t.Errorf("trickle: %d with the old ETag, %d with the new one", old, now)
				}

				answer, tc.etag = restarted, etag
			}

			if got := p.stream("ada"); got == nil || got.Session != session {
				t.Errorf("stream = %+v", got)
			}
		})
	}

	// pion loses what comes while it restarts; nothing else is lost.
	got := inOrder(t, r.got(0))
	if lost := int(got[len(got)-1].SequenceNumber-got[0].SequenceNumber) + 1 - len(got); lost > len(got)/4 {
		t.Errorf("%d of %d packets are lost", lost, len(got)+lost)
	}
}
