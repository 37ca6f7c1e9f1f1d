package sfu_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu"
)

func TestViewGrants(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	good := token.Claims{Shard: shard}
	ago := func() time.Time { return time.Now().Add(-time.Hour) }

	sign := func(forExam string, audience token.Audience, at func() time.Time, claims token.Claims) string {
		signed, err := p.signerFor(forExam, at).Sign(audience, "vera", time.Minute, claims)
		must(t, err)

		return signed
	}

	for name, tc := range map[string]struct {
		grant string
		want  int
		code  wire.ErrorCode
	}{
		"none":           {"", http.StatusUnauthorized, wire.CodeUnauthenticated},
		"garbage":        {"x.y.z", http.StatusUnauthorized, wire.CodeUnauthenticated},
		"expired":        {sign(exam, token.View, ago, good), http.StatusUnauthorized, wire.CodeTokenExpired},
		"other exam":     {sign("default/other", token.View, time.Now, good), http.StatusForbidden, wire.CodeWrongExam},
		"other shard":    {sign(exam, token.View, time.Now, token.Claims{Shard: "x"}), http.StatusForbidden, wire.CodeForbidden},
		"no shard":       {sign(exam, token.View, time.Now, noClaims), http.StatusForbidden, wire.CodeForbidden},
		"of a student":   {p.grant("ada"), http.StatusUnauthorized, wire.CodeUnauthenticated},
		"of a component": {sign(exam, token.Internal, time.Now, good), http.StatusUnauthorized, wire.CodeUnauthenticated},
	} {
		for _, how := range []string{"header", "subprotocol"} {
			socket, refused := p.dialView(tc.grant)
			if how == "subprotocol" && tc.grant != "" {
				socket, refused = p.dialView("", wire.BearerSubprotocol+tc.grant)
			}

			if socket != nil || refused.status != tc.want || refused.code() != tc.code {
				t.Errorf("%s, by %s: %d %s", name, how, refused.status, refused.body)
			}
		}
	}

	for how, socket := range map[string]func() (*websocket.Conn, answer){
		"header":      func() (*websocket.Conn, answer) { return p.dialView(p.viewGrant("vera")) },
		"subprotocol": func() (*websocket.Conn, answer) { return p.dialView("", wire.BearerSubprotocol+p.viewGrant("vera")) },
	} {
		opened, refused := socket()
		if opened == nil {
			t.Errorf("by %s: %d %s", how, refused.status, refused.body)

			continue
		}

		if got := opened.Subprotocol(); got != wire.ViewSubprotocol {
			t.Errorf("by %s: subprotocol %q", how, got)
		}

		must(t, opened.CloseNow())
	}

	p.announce()
	p.eventually("not ready", 5*time.Second, func() bool { return p.status("/readyz") != http.StatusOK })

	if _, refused := p.dialView(p.viewGrant("vera")); refused.status != 503 || refused.code() != wire.CodeNotReady ||
		refused.header.Get("Retry-After") == "" {
		t.Errorf("not ready: %d %s", refused.status, refused.body)
	}

	got := p.do(http.MethodPost, "/view", p.viewGrant("vera"), "")
	if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodGet {
		t.Errorf("POST /view: %d %v %s", got.status, got.header, got.body)
	}
}

// TestViewOffers: what the first message may be, and what it is answered with.
func TestViewOffers(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) {
		o.more = func(c *sfu.Config) { c.Viewers.MaxSlots, c.Viewers.Limit = 3, 1 }
	})
	offer := func(sdp string) string { return `{"type":"offer","sdp":` + strconv.Quote(sdp) + `}` }
	one := newReceiver(t, 1, true).offer(t)

	for name, tc := range map[string]struct {
		message string
		code    wire.ErrorCode
		close   int
	}{
		"garbage":      {"garbage", "", wire.CloseBadMessage},
		"no offer":     {`{"type":"assign","slot":0,"student":"ada"}`, "", wire.CloseBadMessage},
		"no SDP":       {`{"type":"offer"}`, wire.CodeBadRequest, wire.CloseBadMessage},
		"bad SDP":      {offer("garbage"), wire.CodeBadRequest, wire.CloseBadMessage},
		"no VP8":       {offer(strings.ReplaceAll(one, "VP8/", "VP7/")), wire.CodeUnsupportedOffer, wire.CloseBadMessage},
		"sends":        {offer(strings.ReplaceAll(one, "recvonly", "sendonly")), wire.CodeUnsupportedOffer, wire.CloseBadMessage},
		"a fourth":     {offer(newReceiver(t, 4, true).offer(t)), wire.CodeTooManySlots, wire.CloseBadMessage},
		"a dozen":      {offer(newReceiver(t, 12, true).offer(t)), wire.CodeTooManySlots, wire.CloseBadMessage},
		"one too long": {strings.Repeat("x", 300<<10), "", int(websocket.StatusMessageTooBig)},
	} {
		socket, _ := p.dialView(p.viewGrant("vera"))
		must(t, socket.Write(t.Context(), websocket.MessageText, []byte(tc.message)))

		event, err := readEvent(t, socket)
		if tc.code != "" {
			if err != nil || event.Type != "error" || event.Error.Code != tc.code {
				t.Errorf("%s: %+v %v, want %s", name, event, err, tc.code)
			}

			_, err = readEvent(t, socket)
		}

		if got := int(websocket.CloseStatus(err)); got != tc.close {
			t.Errorf("%s: closed with %v, want %d", name, err, tc.close)
		}
	}

	// Nothing of them is left: there is room for one, and for no second.
	p.view("vera", 3)

	socket, _ := p.dialView(p.viewGrant("otto"))
	must(t, socket.Write(t.Context(), websocket.MessageText, []byte(offer(one))))

	event, err := readEvent(t, socket)
	if err != nil || event.Type != "error" || event.Error.Code != wire.CodeTooManySessions {
		t.Errorf("a viewer too many: %+v %v", event, err)
	}

	if _, err = readEvent(t, socket); websocket.CloseStatus(err) != wire.CloseShutdown {
		t.Errorf("closed with %v", err)
	}
}

func TestViewWithoutOffer(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) {
		o.more = func(c *sfu.Config) { c.Viewers.Timing.Offer = 300 * time.Millisecond }
	})
	socket, _ := p.dialView(p.viewGrant("vera"))

	if _, err := readEvent(t, socket); websocket.CloseStatus(err) != wire.CloseBadMessage {
		t.Errorf("closed with %v", err)
	}
}

// TestViewCommands: what is refused changes nothing.
func TestViewCommands(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	v := p.view("vera", 2)

	for _, step := range []struct {
		message string
		slot    int
		want    string
	}{
		{`{"type":"assign","slot":2,"student":"ada"}`, 2, "error BadSlot"},
		{`{"type":"assign","slot":-1,"student":"ada"}`, -1, "error BadSlot"},
		{`{"type":"pause","slot":9}`, 9, "error BadSlot"},
		{`{"type":"resume","slot":9}`, 9, "error BadSlot"},
		{`{"type":"release","slot":9}`, 9, "error BadSlot"},
		{`{"type":"layer","slot":9,"layer":"high"}`, 9, "error BadSlot"},
		{`{"type":"assign","slot":0}`, 0, "error BadRequest"},
		{`{"type":"assign","slot":0,"student":"` + strings.Repeat("x", 64) + `"}`, 0, "error BadRequest"},
		{`{"type":"assign","slot":0,"student":"ada","layer":"middle"}`, 0, "error BadRequest"},
		{`{"type":"layer","slot":0,"layer":"middle"}`, 0, "error BadRequest"},
		{`{"type":"dance","slot":0}`, 0, "error UnknownMessage"},
		{`{"type":"offer","sdp":"x"}`, 0, "error UnknownMessage"},
		{`null`, 0, "error UnknownMessage"},
		// What is not refused is told of, even if there was nothing to do.
		{`{"type":"release","slot":0}`, 0, "free"},
		{`{"type":"resume","slot":0}`, 0, "free"},
		{`{"type":"layer","slot":0,"layer":"high"}`, 0, "free"},
		{`{"type":"pause","slot":0}`, 0, "free"},
		{`{"type":"assign","slot":1,"student":"ada"}`, 1, "pending ada NotPublishing"},
		{`{"type":"pause","slot":1}`, 1, "paused ada"},
		{`{"type":"pause","slot":1}`, 1, "paused ada"},
		{`{"type":"layer","slot":1,"layer":"high"}`, 1, "paused ada"},
		{`{"type":"resume","slot":1}`, 1, "pending ada NotPublishing"},
		{`{"type":"resume","slot":1}`, 1, "pending ada NotPublishing"},
		{`{"type":"assign","slot":1,"student":"bob","layer":"high","more":true}`, 1, "pending bob NotPublishing"},
		{`{"type":"pause","slot":1}`, 1, "paused bob"},
		{`{"type":"assign","slot":1,"student":"bob"}`, 1, "pending bob NotPublishing"},
		{`{"type":"release","slot":1}`, 1, "free"},
	} {
		before := len(v.history(step.slot))
		v.write(step.message)
		p.eventually("an answer to "+step.message, 5*time.Second, func() bool {
			return len(v.history(step.slot)) > before
		})

		if got := v.history(step.slot)[before:]; !slices.Equal(got, []string{step.want}) {
			t.Errorf("%s: %q, want %q", step.message, got, step.want)
		}
	}

	// Two unreadable ones are answered, the third is the last.
	v.write("garbage")
	v.write(`{"type":"pause","slot":"0"}`)
	p.eventually("they are answered", 5*time.Second, func() bool {
		return slices.Equal(v.history(-1)[1:], []string{"error BadRequest", "error BadRequest"})
	})
	v.write(`[]`)

	if got := v.closeCode(); got != wire.CloseBadMessage {
		t.Errorf("closed with %v", v.err)
	}

	p.eventually("the viewer is gone", time.Second, func() bool { return p.metric("invigil_sfu_viewers") == "0" })
}
