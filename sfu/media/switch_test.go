package media

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/socket"
)

// scene is a publisher with two layers and a viewer, both without a connection.
type scene struct {
	t         *testing.T
	engine    *Engine
	publisher *Publisher
	viewer    *Viewer
	sequence  [2]uint16
}

func newScene(t *testing.T) *scene {
	t.Helper()

	engine, err := Listen("127.0.0.1:0", DefaultOptions(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}

	sdp, err := os.ReadFile("../negotiate/testdata/chromium-view-25.sdp")
	if err != nil {
		t.Fatal(err)
	}

	offer, err := negotiate.ParseView(string(sdp), 25)
	if err != nil {
		t.Fatal(err)
	}

	viewer, _, err := engine.View(offer, announce.Candidates([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7000")}))
	if err != nil {
		t.Fatal(err)
	}

	s := &scene{t: t, engine: engine, viewer: viewer}
	s.publisher = newPublisher(engine, &negotiate.Video{PayloadType: 96, RIDs: []string{"l", "h"}})
	s.publisher.layers[0].restart(1)
	s.publisher.layers[1].restart(2)
	viewer.Connected()
	s.publisher.Publish("ada")

	t.Cleanup(func() {
		viewer.Close()
		s.publisher.Unpublish("Shutdown")

		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})

	return s
}

// send has a frame of one packet come in a layer, a key frame of the width or, of
// width 0, one that needs the frame before it.
func (s *scene) send(layer int, width uint16) {
	s.t.Helper()

	raw := make([]byte, 12, 64)
	raw[0], raw[1] = 0x80, 0x80|96
	s.sequence[layer]++
	binary.BigEndian.PutUint16(raw[2:], s.sequence[layer])
	binary.BigEndian.PutUint32(raw[4:], uint32(s.sequence[layer])*3000)
	binary.BigEndian.PutUint32(raw[8:], uint32(layer+1))

	if width > 0 {
		raw = append(raw, 0x10, 0x10, 0, 0, 0x9d, 1, 0x2a)
		raw = binary.LittleEndian.AppendUint16(raw, width)
		raw = append(raw, 180, 0, 0, 0)
	} else {
		raw = append(raw, 0x10, 0x11, 0, 0)
	}

	header, ok := packet.Parse(raw)
	if !ok {
		s.t.Fatal("the test's packet is none")
	}

	s.engine.transport.Do(func(out *socket.Batch) {
		s.publisher.layers[layer].receive(raw, header, time.Now(), out)
	})
}

// sent is how many packets slot 0 has been sent.
func (s *scene) sent() int {
	slot := s.viewer.slots[0]

	slot.mu.Lock()
	defer slot.mu.Unlock()

	return int(slot.packets)
}

func (s *scene) expect(what string, sent int, layer wire.Layer) {
	s.t.Helper()

	got := s.sent()
	if got != sent {
		s.t.Errorf("%s: %d packets sent, want %d", what, got, sent)
	}

	event, _ := s.viewer.slots[0].describe()
	if event.State != wire.SlotPlaying || event.Layer != layer {
		s.t.Errorf("%s: %+v, want the %s layer", what, event, layer)
	}
}

// TestChangesOfMind: a slot goes on with what it shows until the other layer has a
// picture, and has missed nothing if it is not to change after all.
func TestChangesOfMind(t *testing.T) {
	t.Parallel()

	s := newScene(t)
	do := func(err error) {
		t.Helper()

		if err != nil {
			t.Fatal(err)
		}
	}

	s.send(0, 320)
	s.send(0, 0)
	s.send(1, 640)
	s.sequence[1]++ // is lost, and with it the cached picture
	s.send(1, 0)

	do(s.viewer.Assign(0, "ada", wire.LayerLow))
	s.expect("assigned", 2, wire.LayerLow)
	do(s.viewer.SetLayer(0, wire.LayerHigh))
	s.send(0, 0)
	s.send(1, 0)
	s.expect("waits for the high one", 3, wire.LayerLow)
	do(s.viewer.SetLayer(0, wire.LayerLow))
	s.expect("low after all", 3, wire.LayerLow)
	s.send(1, 640)
	s.send(0, 0)
	s.expect("the high one comes too late", 4, wire.LayerLow)
	do(s.viewer.SetLayer(0, wire.LayerHigh))
	s.expect("high, from the cache", 5, wire.LayerHigh)

	// A key frame alone.
	for range maxPicture {
		s.send(0, 0)
	}

	do(s.viewer.SetLayer(0, wire.LayerLow))
	s.expect("a still", 6, wire.LayerLow)
	s.sequence[1]++
	s.send(1, 0)
	do(s.viewer.SetLayer(0, wire.LayerHigh))
	s.send(0, 0)
	s.expect("a still, and waits for the high one", 6, wire.LayerLow)
	do(s.viewer.SetLayer(0, wire.LayerLow))
	s.send(0, 0)
	s.expect("still a still", 6, wire.LayerLow)
	s.send(0, 320)
	s.send(0, 0)
	s.expect("goes on", 8, wire.LayerLow)

	// Another SSRC is another stream.
	s.publisher.layers[0].restart(1)
	s.send(0, 0)
	s.expect("interrupted", 8, wire.LayerLow)
	s.send(0, 320)
	s.send(0, 0)
	s.expect("goes on after it", 10, wire.LayerLow)
}
