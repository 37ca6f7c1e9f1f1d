package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

func asRefused(err error, refused **client.Error) bool { return errors.As(err, refused) }

// TestSimulcast checks that both layers arrive by their RIDs, and that only the
// low one goes on when no more is wanted.
func TestSimulcast(t *testing.T) {
	peer, err := client.NewPeer(client.Simulcast())
	if err != nil {
		t.Fatal(err)
	}

	receiver, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}

	layers := make(chan string, 1000)

	receiver.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}

			layers <- track.RID()
		}
	})

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	connect(ctx, t, peer, receiver)

	// The low layer comes alone for a while after Want, whatever was under way.
	seen, lowInRow := map[string]bool{}, 0
	for lowInRow < 20 && ctx.Err() == nil {
		if err := peer.WriteSample(media.Sample{Data: []byte{0, 0, 0}, Duration: time.Millisecond}); err != nil {
			t.Fatal(err)
		}

		select {
		case rid := <-layers:
			seen[rid] = true

			if lowInRow++; rid != client.LowRID {
				lowInRow = 0
			}
		case <-time.After(20 * time.Millisecond):
		}

		if seen[client.LowRID] && seen[client.HighRID] {
			peer.Want(wire.WantedLow)
		} else {
			lowInRow = 0
		}
	}

	if ctx.Err() != nil {
		t.Errorf("layers seen: %v, and %d times only the low one at the end", seen, lowInRow)
	}

	if err := errors.Join(peer.Close(), receiver.GracefulClose()); err != nil {
		t.Error(err)
	}
}

func connect(ctx context.Context, t *testing.T, peer *client.Peer, receiver *webrtc.PeerConnection) {
	t.Helper()

	offer, err := client.Offer(ctx, peer.PeerConnection)
	if err != nil {
		t.Fatal(err)
	}

	if err := receiver.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		t.Fatal(err)
	}

	answer, err := receiver.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}

	gathered := webrtc.GatheringCompletePromise(receiver)

	if err := receiver.SetLocalDescription(answer); err != nil {
		t.Fatal(err)
	}

	<-gathered

	if err := client.SetAnswer(peer.PeerConnection, receiver.LocalDescription().SDP); err != nil {
		t.Fatal(err)
	}
}
