package main

import (
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
)

// TestOfferSize checks that a wall's offer is no larger than an SDP may be.
func TestOfferSize(t *testing.T) {
	c, err := newConnector(loopbackIP)
	if err != nil {
		t.Fatal(err)
	}

	viewer, err := client.NewViewer(client.ViewerConfig{
		Slots: slotsPerViewer, API: c.viewing, Configuration: c.configuration,
	})
	if err != nil {
		t.Fatal(err)
	}

	offer, err := client.Offer(t.Context(), viewer.PeerConnection)
	if err != nil {
		t.Fatal(err)
	}

	var (
		parsed = webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
		limit  = 64 << 10
	)

	if description, err := parsed.Unmarshal(); err != nil || len(description.MediaDescriptions) != slotsPerViewer ||
		len(offer) > limit {
		t.Errorf("an offer of %d bytes (%v):\n%s", len(offer), err, offer)
	}

	t.Logf("%d bytes", len(offer))

	if err := viewer.Close(); err != nil {
		t.Error(err)
	}
}
