package main

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestSequence(t *testing.T) {
	tests := map[string]struct {
		numbers []uint16
		// repeats are the positions of those that are none for the first time.
		repeats []int
	}{
		"in order":           {numbers: []uint16{7, 8, 9}},
		"wraps":              {numbers: []uint16{65534, 65535, 0, 1}},
		"a gap filled later": {numbers: []uint16{1, 3, 2, 4}},
		"repeats":            {numbers: []uint16{1, 2, 2, 1, 3, 2}, repeats: []int{2, 3, 5}},
		"repeats after zero": {numbers: []uint16{65535, 0, 65535, 0}, repeats: []int{2, 3}},
		"a jump forgets":     {numbers: []uint16{1, 101, 100, 1}, repeats: []int{3}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var (
				s       sequence
				repeats []int
			)

			for i, number := range tc.numbers {
				if !s.add(number) {
					repeats = append(repeats, i)
				}
			}

			if !slices.Equal(repeats, tc.repeats) {
				t.Errorf("repeats at %v, want %v", repeats, tc.repeats)
			}
		})
	}
}

// TestSlot plays what a slot gets: the old student's frames, then the key frame
// of the new one.
func TestSlot(t *testing.T) {
	frames, err := newClip()
	if err != nil {
		t.Fatal(err)
	}

	var (
		s      slot
		number uint16
		clock  uint32
	)

	play := func(student, frame int) {
		clock += 3000

		for _, packet := range frames[frame] {
			if packet.stamped {
				putStamp(packet.payload, student, time.Now())
			}

			number++
			s.take(&rtp.Packet{
				Header:  rtp.Header{SequenceNumber: number, Timestamp: clock},
				Payload: packet.payload,
			})
		}
	}

	s.measure(true)
	play(1, 0)
	play(1, 1)

	arrived := s.await(2, time.Now())

	for _, other := range []struct{ student, frame int }{{1, 0}, {2, 1}} {
		play(other.student, other.frame)

		select {
		case <-arrived:
			t.Fatalf("arrived by frame %d of student %d", other.frame, other.student)
		default:
		}
	}

	play(2, 0)

	select {
	case took := <-arrived:
		if took < 0 || took > time.Minute {
			t.Errorf("took %v", took)
		}
	default:
		t.Error("the key frame of the student is not seen")
	}

	if want := uint64(3*keyFramePackets + len(frames[1])*2); s.packets.Load() != want {
		t.Errorf("%d packets, want %d", s.packets.Load(), want)
	}

	// A key frame has one stamp, the other frames one in each packet.
	if delays := s.measure(false); len(delays) != 3+2*len(frames[1]) {
		t.Errorf("%d delays", len(delays))
	}
}

func TestClip(t *testing.T) {
	frames, err := newClip()
	if err != nil {
		t.Fatal(err)
	}

	total := 0

	for i, frame := range frames {
		total += len(frame)

		if key := startsKeyFrame(frame[0].payload); key != (i == 0) {
			t.Errorf("frame %d starts a key frame: %v", i, key)
		}
	}

	if want := packetsPerS * clipFrames / framesPerSecond; len(frames) != clipFrames || total != want {
		t.Errorf("%d frames of %d packets, want %d of %d", len(frames), total, clipFrames, want)
	}
}
