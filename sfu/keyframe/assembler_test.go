package keyframe_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"

	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/vp8"
)

const (
	maxFrame   = 512 << 10
	camera     = "../../hack/lab/client/clip.ivf"
	black      = "../../hack/lab/client/black.ivf"
	clipWidth  = 640
	clipHeight = 360
)

// clip returns the frames of a file, and which of them are key frames.
func clip(tb testing.TB, name string) (frames [][]byte, keys [][]byte) {
	tb.Helper()

	data, err := os.ReadFile(name)
	must(tb, err)
	reader, _, err := ivfreader.NewWith(bytes.NewReader(data))
	must(tb, err)

	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return frames, keys
		}

		must(tb, err)

		frames = append(frames, frame)
		if frame[0]&1 == 0 {
			keys = append(keys, frame)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()

	if err != nil {
		tb.Fatal(err)
	}
}

// pushOne gives the assembler a packet as the SFU does.
func pushOne(a *keyframe.Assembler, raw []byte) []byte {
	h, ok := packet.Parse(raw)
	if !ok {
		return nil
	}

	payload := raw[h.PayloadOffset:h.PayloadEnd]

	d, ok := vp8.ParseDescriptor(payload)
	if !ok && len(payload) > 0 {
		return nil
	}

	return a.Push(h, payload, d)
}

// sender makes RTP packets with somebody else's payloader.
type sender struct {
	ssrc      uint32
	sequence  uint16
	timestamp uint32
	mtu       uint16
	payloader codecs.VP8Payloader
	// change may alter each packet before it is marshalled.
	change func(*rtp.Packet)
}

func newSender(ssrc uint32, sequence uint16) *sender {
	return &sender{ssrc: ssrc, sequence: sequence, mtu: 1200, payloader: codecs.VP8Payloader{EnablePictureID: true}}
}

func (s *sender) packets(tb testing.TB, frame []byte) [][]byte {
	tb.Helper()

	var packets [][]byte

	payloads := s.payloader.Payload(s.mtu, frame)
	for i, payload := range payloads {
		packet := &rtp.Packet{
			Header: rtp.Header{
				Version: 2, Marker: i == len(payloads)-1, PayloadType: 96, SequenceNumber: s.sequence,
				Timestamp: s.timestamp, SSRC: s.ssrc,
			},
			Payload: payload,
		}
		if s.change != nil {
			s.change(packet)
		}

		raw, err := packet.Marshal()
		must(tb, err)

		packets = append(packets, raw)
		s.sequence++
	}

	s.timestamp += 7500

	return packets
}

func push(a *keyframe.Assembler, packets ...[]byte) [][]byte {
	var frames [][]byte

	for _, packet := range packets {
		// The transport reads into one buffer: nothing of it may be kept.
		buffer := bytes.Clone(packet)
		if frame := pushOne(a, buffer); frame != nil {
			frames = append(frames, frame)
		}

		clear(buffer)
	}

	return frames
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}

	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}

	return true
}

// TestWholeClip: of a stream, whatever its packets look like, all key frames and
// nothing else.
func TestWholeClip(t *testing.T) {
	frames, keys := clip(t, camera)
	tests := map[string]func(*sender){
		"plain":              func(*sender) {},
		"no picture id":      func(s *sender) { s.payloader.EnablePictureID = false },
		"small packets":      func(s *sender) { s.mtu = 100 },
		"one packet":         func(s *sender) { s.mtu = 65000 },
		"sequence wraps":     func(s *sender) { s.sequence = 65530 },
		"timestamp wraps":    func(s *sender) { s.timestamp = 1<<32 - 1 },
		"padding":            func(s *sender) { s.change = func(p *rtp.Packet) { p.Padding, p.PaddingSize = true, 7 } },
		"contributing":       func(s *sender) { s.change = func(p *rtp.Packet) { p.CSRC = []uint32{1, 2, 3} } },
		"header extension":   func(s *sender) { s.change = extend },
		"partitions":         func(s *sender) { s.change = partition },
		"all descriptor":     func(s *sender) { s.change = describe },
		"15-bit picture ids": func(s *sender) { s.payloader.Payload(1200, frames[0]); idle(s, 200) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			var a keyframe.Assembler

			s := newSender(1, 0)
			change(s)

			var got [][]byte
			for _, frame := range frames {
				got = append(got, push(&a, s.packets(t, frame)...)...)
			}

			if len(keys) < 3 || !equal(got, keys) {
				t.Errorf("%d key frames of %d", len(got), len(keys))
			}
		})
	}
}

// idle advances the picture id.
func idle(s *sender, times int) {
	for range times {
		s.payloader.Payload(1200, []byte{1, 2, 3})
	}
}

func extend(p *rtp.Packet) {
	if err := p.SetExtension(5, []byte{1, 2, 3}); err != nil {
		panic(err)
	}
}

// partition marks each packet but a frame's first as the begin of a partition.
func partition(p *rtp.Packet) {
	if p.Payload[0]&0x10 == 0 {
		p.Payload = bytes.Clone(p.Payload)
		p.Payload[0] |= 0x11
	}
}

// describe replaces the descriptor by one with every field there is.
func describe(p *rtp.Packet) {
	var packet codecs.VP8Packet

	part, err := packet.Unmarshal(p.Payload)
	if err != nil {
		panic(err)
	}

	p.Payload = append([]byte{0x80 | packet.S<<4, 0xf0, 0x81, 0x23, 9, 0x41}, part...)
}

func TestDisorder(t *testing.T) {
	_, keys := clip(t, camera)
	first := newSender(1, 65530)
	one := first.packets(t, keys[0])
	two := first.packets(t, keys[1])
	other := newSender(2, 100).packets(t, keys[2])
	n := len(one)

	if n < 8 {
		t.Fatalf("a key frame of %d packets tests little", n)
	}

	join := func(parts ...[][]byte) [][]byte {
		var all [][]byte
		for _, part := range parts {
			all = append(all, part...)
		}

		return all
	}
	zip := func(a, b [][]byte) [][]byte {
		var all [][]byte
		for i := range max(len(a), len(b)) {
			if i < len(a) {
				all = append(all, a[i])
			}

			if i < len(b) {
				all = append(all, b[i])
			}
		}

		return all
	}
	swapped := join(one)
	swapped[3], swapped[4] = swapped[4], swapped[3]

	// Both follow one[:n-1] by their number: the last packet of another time, and
	// the first of a frame that is none.
	stray := bytes.Clone(one[n-1])
	stray[4] ^= 1

	delta := bytes.Clone(one[0])
	copy(delta[2:4], one[n-1][2:4])
	delta[1] |= 0x80

	for i := range delta {
		if bytes.HasPrefix(delta[i:], keys[0][:10]) {
			delta[i] |= 1

			break
		}
	}

	tests := map[string]struct {
		packets [][]byte
		want    [][]byte
	}{
		"another time":           {join(one[:n-1], [][]byte{stray}, two), [][]byte{keys[1]}},
		"end lost, no key frame": {join(one[:n-1], [][]byte{delta}, two), [][]byte{keys[1]}},
		"first lost":             {join(one[1:], two), [][]byte{keys[1]}},
		"last lost":              {join(one[:n-1], two), [][]byte{keys[1]}},
		"reordered":              {join(swapped, two), [][]byte{keys[1]}},
		"first repeated":         {join(one[:1], one), [][]byte{keys[0]}},
		"each repeated":          {zip(one, one), [][]byte{keys[0]}},
		"early ones repeated":    {join(one[:5], one[:3], one[5:]), [][]byte{keys[0]}},
		"late, of another frame": {join(two[:4], one[2:4], two[4:]), [][]byte{keys[1]}},
		"the whole again":        {join(one, one), [][]byte{keys[0], keys[0]}},
		"begun again":            {join(one[:5], two), [][]byte{keys[1]}},
		"another SSRC":           {join(one[:5], other, one[5:]), [][]byte{keys[2]}},
		"other SSRC goes on":     {join(one[:5], other[3:6], one[5:]), [][]byte{keys[0]}},
		"two layers at a time":   {zip(one, other), [][]byte{keys[2]}},
		"garbage between":        {join(one[:5], [][]byte{nil, {0x80}, make([]byte, 100)}, one[5:]), [][]byte{keys[0]}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var a keyframe.Assembler
			if got := push(&a, tc.packets...); !equal(got, tc.want) {
				t.Errorf("%d frames", len(got))
			}
		})
	}

	for lost := range n {
		var a keyframe.Assembler
		if got := push(&a, join(one[:lost], one[lost+1:], two)...); !equal(got, keys[1:2]) {
			t.Errorf("packet %d of %d lost: %d frames", lost, n, len(got))
		}
	}
}

// TestNeverMixed: whatever the network does to two streams, a frame that comes
// out is one that went in.
func TestNeverMixed(t *testing.T) {
	frames, keys := clip(t, camera)

	known := make(map[string]bool)
	for _, key := range keys {
		known[string(key)] = true
	}

	complete := 0

	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		senders := []*sender{newSender(1, uint16(random.Uint32())), newSender(2, uint16(random.Uint32()))}

		var packets [][]byte
		for _, frame := range frames {
			packets = append(packets, senders[random.IntN(2)].packets(t, frame)...)
		}

		rate := []float64{.001, .01, .1}[seed%3]

		var sent [][]byte
		for _, packet := range packets {
			switch at := random.Float64(); {
			case at < rate: // lost
			case at < 2*rate:
				sent = append(sent, packet, packet)
			case at < 3*rate && len(sent) > 5:
				i := len(sent) - 1 - random.IntN(5)
				sent = append(sent[:i], append([][]byte{packet}, sent[i:]...)...)
			default:
				sent = append(sent, packet)
			}
		}

		var a keyframe.Assembler
		for _, frame := range push(&a, sent...) {
			complete++

			if !known[string(frame)] {
				t.Fatalf("seed %d: a frame that was never sent", seed)
			}
		}
	}

	t.Logf("%d of %d key frames came through", complete, 60*len(keys))

	if complete == 0 {
		t.Error("no frame came through")
	}
}

func TestOversized(t *testing.T) {
	_, keys := clip(t, camera)
	header := keys[0][:10]

	for size, want := range map[int]int{maxFrame: 1, maxFrame + 1: 0} {
		var a keyframe.Assembler

		s := newSender(1, 0)

		frame := append(bytes.Clone(header), make([]byte, size-len(header))...)
		if got := push(&a, s.packets(t, frame)...); len(got) != want {
			t.Errorf("%d bytes: %d frames", size, len(got))
		}

		if got := push(&a, s.packets(t, keys[1])...); !equal(got, keys[1:2]) {
			t.Errorf("after %d bytes: %d frames", size, len(got))
		}
	}
}

// TestPacketsAllocateNothing: only a complete key frame costs memory.
func TestPacketsAllocateNothing(t *testing.T) {
	frames, keys := clip(t, camera)

	var a keyframe.Assembler

	s := newSender(1, 0)
	push(&a, s.packets(t, keys[0])...) // the buffer has grown

	var delta, start [][]byte
	for _, frame := range frames[1:20] {
		delta = append(delta, s.packets(t, frame)...)
	}

	start = s.packets(t, keys[0])

	for name, tc := range map[string]struct {
		packets [][]byte
		want    float64
	}{
		"others":    {delta, 0},
		"key frame": {start, 1},
	} {
		if got := testing.AllocsPerRun(50, func() {
			for _, packet := range tc.packets {
				pushOne(&a, packet)
			}
		}); got != tc.want {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkPush(b *testing.B) {
	frames, _ := clip(b, camera)
	packet := newSender(1, 0).packets(b, frames[1])[0]

	var a keyframe.Assembler

	b.ReportAllocs()

	for b.Loop() {
		pushOne(&a, packet)
	}
}

func FuzzPush(f *testing.F) {
	_, keys := clip(f, black)
	for _, packet := range newSender(1, 65535).packets(f, keys[0]) {
		f.Add(packet, packet, uint8(3))
	}

	f.Add([]byte{0x90, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0xff, 0xff}, []byte{0xa0}, uint8(1))
	f.Fuzz(func(t *testing.T, first, second []byte, times uint8) {
		var a keyframe.Assembler

		for range times {
			for _, packet := range [][]byte{first, second} {
				before := bytes.Clone(packet)

				frame := pushOne(&a, packet)
				if frame == nil {
					continue
				}

				if len(frame) < 10 || len(frame) > maxFrame || frame[0]&1 != 0 {
					t.Errorf("%d bytes that are no key frame", len(frame))
				}

				if !bytes.Equal(packet, before) {
					t.Error("the packet has changed")
				}
			}
		}
	})
}
