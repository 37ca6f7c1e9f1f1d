package sfu_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
	"golang.org/x/image/vp8"
)

// frame is what a slot's decoder gets.
type frame struct {
	timestamp uint32
	pictureID uint16
	tl0       uint8
	key       bool
	mark      byte
	number    uint16 // of the feed's frames
	data      []byte
	at        time.Time // of its last packet
}

// isKeyStart tells whether a packet starts a key frame (RFC 7741, section 4.3).
func isKeyStart(r received) bool {
	var d codecs.VP8Packet

	payload, err := d.Unmarshal(r.Payload)

	return err == nil && d.S == 1 && d.PID == 0 && len(payload) > 0 && payload[0]&1 == 0
}

// checkContinuous checks that what came in order is one stream to a decoder, without loss:
// what must go on goes on, whoever was shown. It returns the complete frames.
func checkContinuous(t *testing.T, packets []received) []frame {
	t.Helper()

	if len(packets) == 0 || !isKeyStart(packets[0]) {
		t.Fatalf("%d packets, that do not begin with a key frame", len(packets))
	}

	var (
		frames  []frame
		current *frame
	)

	for i, r := range packets {
		if i > 0 {
			before := packets[i-1]
			if r.SSRC != before.SSRC || r.SequenceNumber != before.SequenceNumber+1 {
				t.Fatalf("packet %d: SSRC and sequence %d %d after %d %d", i, r.SSRC, r.SequenceNumber,
					before.SSRC, before.SequenceNumber)
			}
		}

		var d codecs.VP8Packet

		payload, err := d.Unmarshal(r.Payload)
		must(t, err)

		if d.S == 1 {
			if current != nil {
				t.Errorf("packet %d begins a frame within another", i)
			}

			current = &frame{
				timestamp: r.Timestamp, pictureID: d.PictureID, tl0: d.TL0PICIDX, key: payload[0]&1 == 0,
			}
		}

		if current == nil || current.timestamp != r.Timestamp || current.pictureID != d.PictureID || current.tl0 != d.TL0PICIDX {
			t.Fatalf("packet %d is of no frame: %+v", i, d)
		}

		current.data = append(current.data, payload...)

		if r.Marker {
			n := len(current.data)
			current.mark, current.at = current.data[n-1], r.at
			current.number = uint16(current.data[n-3])<<8 | uint16(current.data[n-2])
			frames = append(frames, *current)
			current = nil
		}
	}

	checkFrames(t, frames)

	return frames
}

// inOrder sorts packets by sequence. A change of what is shown may overtake what
// was shown before by some packets.
func inOrder(t *testing.T, packets []received) []received {
	t.Helper()

	if len(packets) == 0 {
		t.Fatal("no packets")
	}

	first := packets[0].SequenceNumber

	return slices.SortedStableFunc(slices.Values(packets), func(a, b received) int {
		return int(int16(a.SequenceNumber-first)) - int(int16(b.SequenceNumber-first))
	})
}

func checkFrames(t *testing.T, frames []frame) {
	t.Helper()

	for i, f := range frames {
		if f.key {
			d := vp8.NewDecoder()
			d.Init(bytes.NewReader(f.data), len(f.data))

			_, err := d.DecodeFrameHeader()
			if err == nil {
				_, err = d.DecodeFrame()
			}

			if err != nil {
				t.Errorf("frame %d cannot be decoded: %v", i, err)
			}
		}

		if i == 0 {
			continue
		}

		before := frames[i-1]
		if int32(f.timestamp-before.timestamp) <= 0 {
			t.Errorf("frame %d: timestamp %d after %d", i, f.timestamp, before.timestamp)
		}

		if f.pictureID != (before.pictureID+1)&0x7fff {
			t.Errorf("frame %d: picture id %d after %d", i, f.pictureID, before.pictureID)
		}

		if f.tl0 != before.tl0+1 {
			t.Errorf("frame %d: TL0PICIDX %d after %d", i, f.tl0, before.tl0)
		}

		if !f.key && (f.mark != before.mark || f.number != before.number+1) {
			t.Errorf("frame %d: %c %d cannot be decoded after %c %d", i, f.mark, f.number, before.mark, before.number)
		}
	}

	// Timestamps are of wall-clock time, bursts and the network's jitter apart.
	first, last := frames[0], frames[len(frames)-1]
	media := time.Duration(last.timestamp-first.timestamp) * time.Second / 90000

	if off := media - last.at.Sub(first.at); off.Abs() > 750*time.Millisecond {
		t.Errorf("%v of media in %v", media, last.at.Sub(first.at))
	}
}
