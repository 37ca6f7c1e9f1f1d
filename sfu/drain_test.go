package sfu_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/session"
)

// drain asks the pod to empty itself.
func (p *pod) drain(timeout time.Duration) wire.Drain {
	p.t.Helper()

	got := p.do(http.MethodPost, "/internal/v1/drain", p.sign(token.Internal, "operator", noClaims),
		fmt.Sprintf(`{"deadlineMs":%d}`, timeout.Milliseconds()))
	if got.status != http.StatusAccepted {
		p.t.Fatalf("drain: %d %s", got.status, got.body)
	}

	var drain wire.Drain
	must(p.t, json.Unmarshal([]byte(got.body), &drain))

	return drain
}

func TestDrainRefusals(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	internal := p.sign(token.Internal, "operator", noClaims)

	for name, tc := range map[string]struct {
		bearer, body string
		want         int
		code         wire.ErrorCode
	}{
		"no token":   {"", `{"deadlineMs":1}`, 401, wire.CodeUnauthenticated},
		"a grant":    {p.grant("ada"), `{"deadlineMs":1}`, 401, wire.CodeUnauthenticated},
		"empty":      {internal, "", 400, wire.CodeBadRequest},
		"garbage":    {internal, "garbage", 400, wire.CodeBadRequest},
		"negative":   {internal, `{"deadlineMs":-1}`, 400, wire.CodeBadRequest},
		"too long":   {internal, `{"deadlineMs":600001}`, 400, wire.CodeBadRequest},
		"no number":  {internal, `{"deadlineMs":"1"}`, 400, wire.CodeBadRequest},
		"no integer": {internal, `{"deadlineMs":0.5}`, 400, wire.CodeBadRequest},
	} {
		got := p.do(http.MethodPost, "/internal/v1/drain", tc.bearer, tc.body)
		if got.status != tc.want || got.code() != tc.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	got := p.do(http.MethodGet, "/internal/v1/drain", internal, "")
	if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
		t.Errorf("GET: %d %v %s", got.status, got.header, got.body)
	}

	if p.streams("").Draining || p.status("/readyz") != http.StatusOK {
		t.Error("it drains")
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	v := p.view("vera", 2)
	ada := p.plain("ada")
	stays := p.plain("bob")

	v.assign(0, "ada", "")
	v.assign(1, "bob", "")
	v.shows(1, "playing bob low")

	watching := newReceiver(t, 1, true)
	p.watch(watching, "otto", "bob")

	before := p.streams("")
	woken := make(chan wire.Streams, 1)

	go func() { woken <- p.streams("?wait=30&since=" + before.Version) }()

	began := time.Now()
	if got := p.drain(4 * time.Second); got.Sessions != 2 || got.DeadlineMs != 4000 {
		t.Errorf("drain = %+v", got)
	}

	select {
	case got := <-woken:
		if !got.Draining || got.Ready || len(got.Streams) != 2 {
			t.Errorf("streams = %+v", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("the poll sleeps on")
	}

	// A later deadline changes nothing.
	if got := p.drain(time.Minute); got.Sessions != 2 {
		t.Errorf("drain = %+v", got)
	}

	if got := p.post("eve", p.offer()); got.status != http.StatusServiceUnavailable || got.code() != wire.CodeDraining {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	// Not even those who are here already.
	if got := p.post("bob", p.offer()); got.status != http.StatusServiceUnavailable || got.code() != wire.CodeDraining {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	if got := p.status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("readyz = %d", got)
	}

	p.eventually("the viewer is told", 2*time.Second, func() bool { return slices.Equal(v.history(-1), []string{"moved"}) })

	// Who moves is shown as gone, who stays as before.
	ada.leave(t)
	v.shows(0, "pending ada DtlsClosed")
	v.flows(1, 10)

	if got := p.drain(time.Minute); got.Sessions != 1 {
		t.Errorf("drain = %+v", got)
	}

	if got := v.closeCode(); got != wire.CloseShutdown {
		t.Errorf("closed with %v", v.err)
	}

	if took := time.Since(began); took < 3900*time.Millisecond || took > 10*time.Second {
		t.Errorf("ended after %v", took)
	}

	if got := p.reasons("bob"); !slices.Equal(got, []string{"Drained"}) {
		t.Errorf("reasons = %v", got)
	}

	for name, peer := range map[string]*webrtc.PeerConnection{
		"bob": stays.PeerConnection, "otto": watching.PeerConnection, "vera": v.PeerConnection,
	} {
		p.eventually(name+" hears of it", 5*time.Second, func() bool {
			return peer.ConnectionState() == webrtc.PeerConnectionStateClosed
		})
	}

	// The pod stays, empty, and lets nobody in.
	if got := p.streams(""); !got.Draining || len(got.Streams) != 0 {
		t.Errorf("streams = %+v", got)
	}

	if _, refused := p.dialView(p.viewGrant("vera")); refused.status != 503 || refused.code() != wire.CodeDraining {
		t.Errorf("view: %d %s", refused.status, refused.body)
	}

	offer := newReceiver(t, 1, true).offer(t)

	refused := p.do(http.MethodPost, "/whep/bob", p.viewGrant("vera"), offer, "Content-Type", "application/sdp")
	if refused.status != http.StatusServiceUnavailable || refused.code() != wire.CodeDraining {
		t.Errorf("WHEP: %d %s", refused.status, refused.body)
	}
}

// TestDrainEmpty: without publishers there is nothing to wait for.
func TestDrainEmpty(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) { o.drain = time.Minute })
	v := p.view("vera", 1)
	began := time.Now()

	if got := p.drain(time.Minute); got.Sessions != 0 {
		t.Errorf("drain = %+v", got)
	}

	if got := v.closeCode(); got != wire.CloseShutdown {
		t.Errorf("closed with %v", v.err)
	}

	must(t, p.stop())

	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestDrainEarlier: of two deadlines the earlier one holds.
func TestDrainEarlier(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	p.plain("ada")
	p.drain(time.Minute)
	p.drain(0)
	p.eventually("she is gone", 2*time.Second, func() bool { return slices.Equal(p.reasons("ada"), []string{"Drained"}) })
}

// TestTerminate: SIGTERM drains, for as long as --drain-timeout says.
func TestTerminate(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) { o.drain = 2 * time.Second })
	p.plain("ada")

	v := p.view("vera", 1)
	v.assign(0, "ada", "")
	v.shows(0, "playing ada low")

	// One that has said nothing yet must not hold the pod up.
	waiting, _ := p.dialView(p.viewGrant("otto"))

	began := time.Now()
	stopped := make(chan error, 1)

	go func() { stopped <- p.stop() }()

	p.eventually("streams tell it", 2*time.Second, func() bool { return p.streams("").Draining })
	p.eventually("the viewer is told", 2*time.Second, func() bool { return slices.Equal(v.history(-1), []string{"moved"}) })
	v.flows(0, 5)

	if got := v.closeCode(); got != wire.CloseShutdown {
		t.Errorf("closed with %v", v.err)
	}

	if _, err := readEvent(t, waiting); closeStatus(err) != wire.CloseShutdown {
		t.Errorf("closed with %v", err)
	}

	must(t, <-stopped)

	if took := time.Since(began); took < 1900*time.Millisecond || took > 8*time.Second {
		t.Errorf("it took %v", took)
	}

	if got := p.reasons("ada"); !slices.Equal(got, []string{"Drained"}) {
		t.Errorf("reasons = %v", got)
	}
}

// TestRefuseDuplicate: with --duplicate=refuse, the first stays while it is heard
// of.
func TestRefuseDuplicate(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) {
		o.duplicate = session.Refuse
		o.timing.Silence = time.Minute
	})
	first := p.plain("ada")
	before := p.stream("ada").Session

	got := p.post("ada", p.offer())
	if got.status != http.StatusConflict || got.code() != wire.CodeAlreadyPublishing {
		t.Errorf("POST = %d %s", got.status, got.body)
	}

	if now := p.stream("ada"); now == nil || now.Session != before || len(p.reasons("ada")) > 0 {
		t.Errorf("stream = %+v", now)
	}

	// Another student is none of this.
	p.plain("bob")

	// The first vanishes without a word.
	must(t, first.mux.Close())
	p.eventually("the second is accepted", 15*time.Second, func() bool {
		return p.post("ada", p.offer()).status == http.StatusCreated
	})

	if got := p.reasons("ada"); !slices.Equal(got, []string{"TakenOver"}) {
		t.Errorf("reasons = %v", got)
	}
}
