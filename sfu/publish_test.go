package sfu_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

func TestPublish(t *testing.T) {
	p := startPod(t, nil)
	ada := p.publish("ada")

	p.eventually("media of ada arrives", 5*time.Second, func() bool { return p.receiving("ada") })

	got := p.stream("ada")
	if got.Packets == 0 || got.Bytes == 0 || got.Session == "" || time.Since(time.UnixMilli(got.Since)) > time.Minute {
		t.Errorf("stream = %+v", got)
	}

	ada.silent.Store(true)
	p.eventually("ada's Receiving flips", 5*time.Second, func() bool { return !p.receiving("ada") })
	ada.silent.Store(false)
	p.eventually("ada's Receiving flips back", 2*time.Second, func() bool { return p.receiving("ada") })

	if got := p.do(http.MethodDelete, ada.location, p.grant("ada"), ""); got.status != http.StatusOK {
		t.Fatalf("DELETE = %d %s", got.status, got.body)
	}

	if s := p.stream("ada"); s != nil {
		t.Errorf("after DELETE there still is %+v", s)
	}

	if got := p.reasons("ada"); !slices.Equal(got, []string{"Deleted"}) {
		t.Errorf("reasons = %v", got)
	}

	p.eventually("ada hears of it", 5*time.Second, func() bool {
		return ada.ConnectionState() == webrtc.PeerConnectionStateClosed
	})

	if got := p.status("/healthz"); got != http.StatusOK {
		t.Errorf("healthz = %d", got)
	}
}
