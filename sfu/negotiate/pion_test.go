package negotiate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/sfu/negotiate"
)

func newPeer(t *testing.T) *webrtc.PeerConnection {
	t.Helper()

	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(func() { must(t, peer.GracefulClose()) })

	return peer
}

func newTrack(t *testing.T, mimeType string, options ...func(*webrtc.TrackLocalStaticRTP)) *webrtc.TrackLocalStaticRTP {
	t.Helper()

	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mimeType}, "track", "stream", options...)
	must(t, err)

	return track
}

// offerOf returns the peer's offer, without candidates.
func offerOf(t *testing.T, peer *webrtc.PeerConnection) string {
	t.Helper()

	offer, err := peer.CreateOffer(nil)
	must(t, err)
	must(t, peer.SetLocalDescription(offer))

	return offer.SDP
}

// accepts fails the test unless the peer takes our answer to its offer.
func accepts(t *testing.T, peer *webrtc.PeerConnection, offer string, o *negotiate.Offer, l negotiate.Local) {
	t.Helper()

	answer, err := o.Answer(l)
	must(t, err)
	fits(t, offer, answer)
	must(t, peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))

	if state := peer.SignalingState(); state != webrtc.SignalingStateStable {
		t.Errorf("signalling state = %s", state)
	}
}

func directions(peer *webrtc.PeerConnection) []string {
	var got []string
	for _, transceiver := range peer.GetTransceivers() {
		got = append(got, fmt.Sprintf("%s %s", transceiver.Kind(), transceiver.Direction()))
	}

	return got
}

func TestPionPublishes(t *testing.T) {
	sendonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}

	for name, layers := range map[string][]string{"one layer": nil, "two layers": {"l", "h"}, "three layers": {"q", "h", "f"}} {
		t.Run(name, func(t *testing.T) {
			peer := newPeer(t)

			_, err := peer.AddTransceiverFromTrack(newTrack(t, webrtc.MimeTypeOpus), sendonly)
			must(t, err)

			var options []func(*webrtc.TrackLocalStaticRTP)
			if len(layers) > 0 {
				options = append(options, webrtc.WithRTPStreamID(layers[0]))
			}

			transceiver, err := peer.AddTransceiverFromTrack(newTrack(t, webrtc.MimeTypeVP8, options...), sendonly)
			must(t, err)

			for i := 1; i < len(layers); i++ {
				must(t, transceiver.Sender().AddEncoding(newTrack(t, webrtc.MimeTypeVP8, webrtc.WithRTPStreamID(layers[i]))))
			}

			offer := offerOf(t, peer)
			o, err := negotiate.ParsePublish(offer)
			must(t, err)

			video := o.Videos[0]
			if want := min(len(layers), negotiate.MaxLayers); !slices.Equal(video.RIDs, layers[:want]) {
				t.Errorf("RIDs = %q", video.RIDs)
			}

			if want := (negotiate.Feedback{NACK: true, PLI: true, TransportCC: true}); video.Feedback != want {
				t.Errorf("feedback = %+v", video.Feedback)
			}

			if len(layers) == 0 {
				parameters := transceiver.Sender().GetParameters().Encodings[0]
				if ssrc := uint32(parameters.SSRC); !slices.Equal(video.SSRCs, []uint32{ssrc}) ||
					video.Repairs[ssrc] != uint32(parameters.RTX.SSRC) {
					t.Errorf("SSRCs = %d, %v; it sends %+v", video.SSRCs, video.Repairs, parameters)
				}
			}

			accepts(t, peer, offer, o, local(0))

			// pion keeps what it wanted for itself, and compares it when it sends.
			if diff := cmp.Diff([]string{"audio sendonly", "video sendonly"}, directions(peer)); diff != "" {
				t.Errorf("directions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPionViews(t *testing.T) {
	for _, videos := range []int{1, 25} {
		t.Run(strconv.Itoa(videos), func(t *testing.T) {
			peer := newPeer(t)

			for range videos {
				_, err := peer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
					webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
				must(t, err)
			}

			offer := offerOf(t, peer)
			o, err := negotiate.ParseView(offer, videos)
			must(t, err)

			if len(o.Videos) != videos {
				t.Fatalf("%d videos, want %d", len(o.Videos), videos)
			}

			accepts(t, peer, offer, o, local(videos))

			if diff := cmp.Diff(slices.Repeat([]string{"video recvonly"}, videos), directions(peer)); diff != "" {
				t.Errorf("directions (-want +got):\n%s", diff)
			}

			if answer := peer.CurrentRemoteDescription().SDP; strings.Count(answer, "a=sendonly\r\n") != videos {
				t.Errorf("not all slots are sent:\n%s", answer)
			}
		})
	}
}
