package sfu_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// feed is one layer of a broadcaster, sent packet by packet. Its frames end with
// their number and the feed's mark, so that whoever gets them knows which they are.
type feed struct {
	rid          string
	mark         byte
	track        *feedTrack
	keys, others [][]byte
	extensions   map[uint8]string

	// off sends nothing, deaf no key frame (any more), slow two frames a second,
	// so that a cached picture lasts for seconds.
	off, deaf, slow, wanted atomic.Bool
	asked, sent             atomic.Int32 // key frames
	// padding is what each frame is made longer by, in bytes.
	padding atomic.Int32

	sequence, pictureID uint16
	timestamp, ticks    uint32
	began               time.Time
	tl0                 uint8
	turn                int
}

// feedTrack can go on with another SSRC, as browsers do after a collision.
type feedTrack struct {
	*webrtc.TrackLocalStaticRTP

	ssrc atomic.Uint32
}

func (f *feedTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	return f.TrackLocalStaticRTP.Bind(feedContext{ctx, feedWriter{ctx.WriteStream(), f}}) //nolint:wrapcheck // it stands for it
}

type feedContext struct {
	webrtc.TrackLocalContext

	writer feedWriter
}

func (c feedContext) WriteStream() webrtc.TrackLocalWriter { return c.writer }

type feedWriter struct {
	webrtc.TrackLocalWriter

	track *feedTrack
}

func (w feedWriter) WriteRTP(header *rtp.Header, payload []byte) (int, error) {
	if ssrc := w.track.ssrc.Load(); ssrc != 0 {
		header.SSRC = ssrc
	}

	return w.TrackLocalWriter.WriteRTP(header, payload) //nolint:wrapcheck // it stands for it
}

// newFeed shows the clip as if it were of the given size.
func newFeed(t *testing.T, rid string, mark byte, width, height uint16) *feed {
	t.Helper()

	clip := newCamera(t, cameraClip)
	f := &feed{
		rid: rid, mark: mark, keys: clip.keys, others: clip.others,
		sequence: uint16(rand.Uint32()), pictureID: uint16(rand.Uint32()), timestamp: rand.Uint32(), tl0: uint8(rand.Uint32()),
	}
	f.began = time.Now()
	f.wanted.Store(true)

	for i, key := range f.keys {
		f.keys[i] = bytes.Clone(key)
		binary.LittleEndian.PutUint16(f.keys[i][6:], width)
		binary.LittleEndian.PutUint16(f.keys[i][8:], height)
	}

	return f
}

// smallFrames makes each frame between key frames a packet, so that a cached
// picture lasts for some seconds.
func smallFrames(f *feed) *feed {
	for i, frame := range f.others {
		f.others[i] = frame[:min(len(frame), 200)]
	}

	return f
}

// next sends the feed's next frame.
func (f *feed) next() {
	f.turn++

	if f.off.Load() || f.slow.Load() && f.turn%10 != 0 && !f.wanted.Load() {
		return
	}

	// Frames that are late come at once, and are not one.
	f.ticks = max(f.ticks+90, uint32(time.Since(f.began).Milliseconds()*90))
	timestamp := f.timestamp + f.ticks

	frame := f.others[f.turn%len(f.others)]
	if !f.deaf.Load() && f.wanted.Swap(false) {
		frame = f.keys[int(f.sent.Add(1))%len(f.keys)]
	}

	f.pictureID++
	f.tl0++

	frame = slices.Concat(frame, make([]byte, f.padding.Load()), []byte{byte(f.pictureID >> 8), byte(f.pictureID), f.mark})

	for first := true; len(frame) > 0; first = false {
		chunk := frame[:min(len(frame), 1100)]
		frame = frame[len(chunk):]
		// X, and S in the first packet; I, L and T (RFC 7741, section 4.2).
		payload := []byte{0x80, 0xe0, 0x80 | byte(f.pictureID>>8), byte(f.pictureID), f.tl0, 0}

		if first {
			payload[0] |= 0x10
		}

		packet := &rtp.Packet{
			Header: rtp.Header{
				Version: 2, Marker: len(frame) == 0, SequenceNumber: f.sequence, Timestamp: timestamp,
			},
			Payload: append(payload, chunk...),
		}
		f.sequence++

		for id, value := range f.extensions {
			_ = packet.SetExtension(id, []byte(value)) // short ones fit
		}

		_ = f.track.WriteRTP(packet) // frames before and after the connection go nowhere
	}
}

// hear takes requests for key frames until the sender stops.
func (f *feed) hear(sender *webrtc.RTPSender) {
	for {
		var (
			packets []rtcp.Packet
			err     error
		)

		if f.rid == "" {
			packets, _, err = sender.ReadRTCP()
		} else {
			packets, _, err = sender.ReadSimulcastRTCP(f.rid)
		}

		if err != nil {
			return
		}

		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); ok {
				f.asked.Add(1)
				f.wanted.Store(true)
			}
		}
	}
}
