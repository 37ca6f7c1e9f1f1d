package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

// frame is the begin of one that arrived.
type frame struct {
	key bool
	at  time.Time
}

// TestTrickle checks that a student whom nobody watches sends a frame a second
// that can be decoded by itself, and all of them again when somebody does.
func TestTrickle(t *testing.T) {
	peer, err := client.NewPeer()
	if err != nil {
		t.Fatal(err)
	}

	receiver, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}

	frames := make(chan frame, 1000)

	receiver.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		client.Receive(track, func(packet *rtp.Packet) {
			var vp8 codecs.VP8Packet
			if payload, err := vp8.Unmarshal(packet.Payload); err == nil && vp8.S == 1 && vp8.PID == 0 && len(payload) > 0 {
				frames <- frame{payload[0]&1 == 0, time.Now()}
			}
		})
	})

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	connect(ctx, t, peer, receiver)

	played := make(chan error, 1)
	playing, stop := context.WithCancel(ctx)

	go func() { played <- client.NewCamera(peer).Run(playing) }()

	var last frame

	// until reads frames until there were so many in a row that are as they should.
	until := func(what string, want int, good func(gap time.Duration, next frame) bool) {
		t.Helper()

		for row := 0; row < want; {
			select {
			case next := <-frames:
				if row++; !good(next.at.Sub(last.at), next) {
					row = 0
				}

				last = next
			case <-ctx.Done():
				t.Fatalf("%s: not within the test's time", what)
			}
		}
	}
	full := func(gap time.Duration, _ frame) bool { return gap < 300*time.Millisecond }

	until("full rate", 10, full)
	peer.Want(wire.WantedTrickle)
	until("trickle", 3, func(gap time.Duration, next frame) bool { return next.key && gap > 700*time.Millisecond })

	before := last.at

	peer.Want(wire.WantedLow)
	until("key frame at the change", 1, func(gap time.Duration, next frame) bool { return next.key && full(gap, next) })
	until("full rate again", 10, full)

	if took := last.at.Sub(before); took > 5*time.Second {
		t.Errorf("back after %v", took)
	}

	stop()

	if err := <-played; err != nil {
		t.Errorf("Run: %v", err)
	}

	if err := peer.Close(); err != nil {
		t.Error(err)
	}

	if err := receiver.GracefulClose(); err != nil {
		t.Error(err)
	}
}
