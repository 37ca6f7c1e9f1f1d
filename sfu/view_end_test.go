package sfu_test

import (
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu"
)

// TestViewShutdown: the socket says that the pod ends, and the PeerConnection
// ends with it.
func TestViewShutdown(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	v := p.view("vera", 1)

	// Who has not offered yet is no reason to wait.
	waiting, _ := p.dialView(p.viewGrant("otto"))
	began := time.Now()
	stopped := make(chan error, 1)

	go func() { stopped <- p.stop() }()

	if got := v.closeCode(); got != wire.CloseShutdown {
		t.Errorf("closed with %v", v.err)
	}

	if _, err := readEvent(t, waiting); closeStatus(err) != wire.CloseShutdown {
		t.Errorf("closed with %v", err)
	}

	must(t, <-stopped)

	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}

	p.eventually("the viewer hears of it", 5*time.Second, func() bool {
		return v.ConnectionState() == webrtc.PeerConnectionStateClosed
	})
}

// TestViewPeerConnectionEnds: the socket ends with the PeerConnection.
func TestViewPeerConnectionEnds(t *testing.T) {
	t.Parallel()

	p := startPod(t, func(o *podOptions) {
		o.more = func(c *sfu.Config) { c.Viewers.Timing.Silence = 100 * time.Millisecond }
	})

	for name, tc := range map[string]struct {
		end    func(v *viewer)
		reason string
	}{
		"closed":   {func(v *viewer) { must(t, v.GracefulClose()) }, "DtlsClosed"},
		"vanished": {func(v *viewer) { must(t, v.mux.Close()) }, "IceFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			v := p.view("vera", 2)
			v.assign(0, "ada", "")
			v.shows(0, "pending ada NotPublishing")
			tc.end(v)

			if got := v.closeCode(); got != wire.CloseTransportFailed {
				t.Errorf("closed with %v", v.err)
			}

			if got := p.metric(`invigil_sfu_viewers_ended_total{reason="` + tc.reason + `"}`); got != "1" {
				t.Errorf("ended by %s: %s", tc.reason, got)
			}
		})
	}
}

// TestViewSocketEnds: the PeerConnection ends with the socket, within the second,
// whether that says goodbye or not.
func TestViewSocketEnds(t *testing.T) {
	t.Parallel()

	p := startPod(t, nil)
	p.plain("ada")

	for name, end := range map[string]func(v *viewer) error{
		"closed": func(v *viewer) error { return v.socket.Close(websocket.StatusNormalClosure, "") },
		"cut":    func(v *viewer) error { return v.socket.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			v := p.view("vera", 1)
			v.assign(0, "ada", "")
			v.shows(0, "playing ada low")

			must(t, end(v))
			// ICE alone would need longer to find that out.
			p.eventually("the PeerConnection ends", 5*time.Second, func() bool {
				return v.ConnectionState() == webrtc.PeerConnectionStateClosed
			})

			p.eventually("nothing is left", time.Second, func() bool { return p.metric("invigil_sfu_viewers") == "0" })
		})
	}

	if got := p.metric(`invigil_sfu_viewers_ended_total{reason="SocketClosed"}`); got != "2" {
		t.Errorf("ended by SocketClosed: %s", got)
	}
}
