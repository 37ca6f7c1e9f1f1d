package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

// fakePod is the least of a slot viewer: it answers the offer with a video per
// section, and sends one in the slot that a student is assigned to.
type fakePod struct {
	t        *testing.T
	serving  sync.WaitGroup
	commands chan wire.ViewCommand
}

const fakePayload = "\x10\x00key frame"

func (f *fakePod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serving.Add(1)
	defer f.serving.Done()

	if r.Header.Get("Authorization") != "Bearer grant" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"code":"Forbidden","message":"x"}`))

		return
	}

	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.ViewSubprotocol}})
	if err != nil {
		f.t.Error(err)

		return
	}
	defer func() { _ = socket.CloseNow() }()

	socket.SetReadLimit(1 << 20)

	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		f.t.Error(err)

		return
	}
	defer func() { _ = peer.GracefulClose() }()

	var tracks []*webrtc.TrackLocalStaticRTP

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()

	for {
		_, data, err := socket.Read(r.Context())
		if err != nil {
			return
		}

		var command wire.ViewCommand
		if err := json.Unmarshal(data, &command); err != nil {
			f.t.Error(err)
		}

		event := wire.ViewEvent{Type: "slot", Slot: &command.Slot, State: wire.SlotPlaying, Student: command.Student}

		switch command.Type {
		case "offer":
			tracks, event = f.answer(r.Context(), peer, command.SDP)
		case "assign":
			f.play(ctx, tracks[command.Slot])
		}

		if command.Type != "offer" {
			f.commands <- command
		}

		if data, err = json.Marshal(event); err == nil {
			err = socket.Write(r.Context(), websocket.MessageText, data)
		}

		if err != nil {
			f.t.Error(err)
		}
	}
}

func (f *fakePod) answer(ctx context.Context, peer *webrtc.PeerConnection, offer string) (
	tracks []*webrtc.TrackLocalStaticRTP, event wire.ViewEvent,
) {
	check := func(err error) {
		if err != nil {
			f.t.Error(err)
		}
	}

	check(peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))

	for range peer.GetTransceivers() {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "v", "s")
		check(err)

		_, err = peer.AddTrack(track)
		check(err)

		tracks = append(tracks, track)
	}

	answer, err := peer.CreateAnswer(nil)
	check(err)

	gathered := webrtc.GatheringCompletePromise(peer)

	check(peer.SetLocalDescription(answer))

	select {
	case <-gathered:
	case <-ctx.Done():
	}

	return tracks, wire.ViewEvent{Type: "answer", SDP: peer.LocalDescription().SDP, Slots: len(tracks)}
}

// play sends the same packet again and again for as long as the viewer is there:
// it connects meanwhile.
func (f *fakePod) play(ctx context.Context, track *webrtc.TrackLocalStaticRTP) {
	f.serving.Go(func() {
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()

		for i := uint16(0); ; i++ {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}

			packet := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: i}, Payload: []byte(fakePayload)}
			if err := track.WriteRTP(packet); err != nil {
				return
			}
		}
	})
}

func TestViewer(t *testing.T) {
	pod := &fakePod{t: t, commands: make(chan wire.ViewCommand, 10)}
	server := httptest.NewServer(pod)

	defer pod.serving.Wait()
	defer server.Close()

	var (
		slots  = make(chan int, 1000)
		events = make(chan wire.ViewEvent, 10)
	)

	viewer, err := client.NewViewer(client.ViewerConfig{
		URL: server.URL, Grant: "grant", Slots: 3, HTTPClient: server.Client(),
		OnPacket: func(slot int, packet *rtp.Packet) {
			if string(packet.Payload) != fakePayload {
				t.Errorf("payload %q", packet.Payload)
			}

			slots <- slot
		},
		OnEvent: func(event wire.ViewEvent) { events <- event },
	})
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	if err := viewer.Connect(ctx); err != nil {
		t.Fatal(err)
	}

	for _, step := range []struct {
		want wire.ViewCommand
		err  error
	}{
		{wire.ViewCommand{Type: "assign", Slot: 1, Student: "s1", Layer: "high"}, viewer.Assign(ctx, 1, "s1", wire.LayerHigh)},
		{wire.ViewCommand{Type: "layer", Slot: 1, Layer: "low"}, viewer.Layer(ctx, 1, wire.LayerLow)},
		{wire.ViewCommand{Type: "pause", Slot: 2}, viewer.Pause(ctx, 2)},
		{wire.ViewCommand{Type: "resume", Slot: 2}, viewer.Resume(ctx, 2)},
		{wire.ViewCommand{Type: "release", Slot: 0}, viewer.Release(ctx, 0)},
	} {
		if got := <-pod.commands; step.err != nil || got != step.want {
			t.Errorf("command %+v (%v), want %+v", got, step.err, step.want)
		}

		if event := <-events; event.Slot == nil || *event.Slot != step.want.Slot {
			t.Errorf("event %+v, want one of slot %d", event, step.want.Slot)
		}
	}

	select {
	case slot := <-slots:
		if slot != 1 {
			t.Errorf("a packet in slot %d, want 1", slot)
		}
	case <-ctx.Done():
		t.Error("no packet")
	}

	if err := viewer.Close(); err != nil {
		t.Error(err)
	}

	if status := websocket.CloseStatus(viewer.Err()); status != websocket.StatusNormalClosure {
		t.Errorf("the socket ended with %v", viewer.Err())
	}
}

func TestViewerRefused(t *testing.T) {
	pod := &fakePod{t: t}
	server := httptest.NewServer(pod)

	defer pod.serving.Wait()
	defer server.Close()

	viewer, err := client.NewViewer(client.ViewerConfig{URL: server.URL, Slots: 1, HTTPClient: server.Client()})
	if err != nil {
		t.Fatal(err)
	}

	var refused *client.Error
	if err := viewer.Connect(t.Context()); !asRefused(err, &refused) || refused.Body.Code != wire.CodeForbidden {
		t.Errorf("Connect: %v", err)
	}

	if err := viewer.Close(); err != nil {
		t.Error(err)
	}
}
