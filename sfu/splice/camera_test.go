package splice_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/vp8"
)

const outSSRC = 0xabcdef01

// camera sends a stream of VP8.
type camera struct {
	ssrc      uint32
	sequence  uint16 // of the next packet
	timestamp uint32
	pictureID uint16
	bits      int // of picture ids: 0, 7, 15
	tl0       uint8
	hasTL0    bool
	count     uint32 // each packet's content differs
}

func newCamera(random *rand.Rand, ssrc uint32) *camera {
	return &camera{
		ssrc: ssrc, sequence: uint16(random.Uint32()), timestamp: random.Uint32(), pictureID: uint16(random.Uint32()),
		bits: []int{0, 7, 15, 15}[random.IntN(4)], tl0: uint8(random.Uint32()), hasTL0: random.IntN(2) == 0,
	}
}

// frame returns the packets of the next frame, ticks after the last one.
func (c *camera) frame(key bool, packets int, ticks uint32) [][]byte {
	c.timestamp += ticks
	c.pictureID++
	c.tl0++

	frame := make([][]byte, packets)
	for i := range frame {
		frame[i] = c.send(c.payload(key, i == 0), i == packets-1)
	}

	return frame
}

func (c *camera) payload(key, first bool) []byte {
	head, extension := byte(0x80), []byte(nil)
	if first {
		head |= 0x10
	}

	flags := byte(0x20)

	switch c.bits {
	case 7:
		flags, extension = flags|0x80, append(extension, byte(c.pictureID&0x7f))
	case 15:
		flags, extension = flags|0x80, binary.BigEndian.AppendUint16(extension, c.pictureID|0x8000)
	}

	if c.hasTL0 {
		flags, extension = flags|0x40, append(extension, c.tl0)
	}

	payload := append([]byte{head, flags}, append(extension, 0x20)...)
	if key && first {
		payload = append(payload, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1)
	}

	c.count++

	return binary.BigEndian.AppendUint32(append(payload, 0x01), c.count)
}

// padding returns a packet without a payload.
func (c *camera) padding() []byte { return c.send(nil, false) }

func (c *camera) send(payload []byte, marker bool) []byte {
	p := rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: marker, PayloadType: 120, SequenceNumber: c.sequence, Timestamp: c.timestamp, SSRC: c.ssrc,
		},
		Payload: payload,
	}

	if len(payload) == 0 || c.sequence%5 == 0 {
		p.Padding, p.Header.PaddingSize = true, 7
	}

	if c.sequence%3 == 0 {
		p.CSRC = []uint32{1, 2}
		if err := p.SetExtension(5, []byte{1, 2}); err != nil {
			panic(err)
		}
	}

	raw, err := p.Marshal()
	if err != nil {
		panic(err)
	}

	c.sequence++

	return raw
}

// isKeyFrameStart and header are what the caller of Output knows of a packet.
func isKeyFrameStart(raw []byte) bool {
	h := header(raw)
	payload := raw[h.PayloadOffset:h.PayloadEnd]
	d, ok := vp8.ParseDescriptor(payload)

	return ok && vp8.IsKeyFrameStart(payload, d)
}

func header(raw []byte) packet.Header {
	h, ok := packet.Parse(raw)
	if !ok {
		panic("no packet")
	}

	return h
}

// seen is a packet as somebody else's parser sees it.
type seen struct {
	rtp.Packet

	vp8   codecs.VP8Packet
	media []byte
	seven bool // picture id of 7 bits
}

func see(tb testing.TB, raw []byte) seen {
	tb.Helper()

	var s seen
	if err := s.Unmarshal(raw); err != nil {
		tb.Fatal(err)
	}

	if len(s.Payload) == 0 {
		return s
	}

	var err error
	if s.media, err = s.vp8.Unmarshal(s.Payload); err != nil {
		tb.Fatal(err)
	}

	s.seven = s.vp8.I == 1 && s.Payload[2]&0x80 == 0

	return s
}

// all is an iterator over packets, as a ring has one.
func all(frames ...[][]byte) func(func([]byte) bool) {
	return slices.Values(slices.Concat(frames...))
}
