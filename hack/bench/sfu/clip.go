package main

import (
	"bytes"
	_ "embed" // the picture
	"fmt"
	"math/rand/v2"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// The picture of every student: 90 frames in 3 s, one key frame of 10 packets,
// 36 frames of 2 and 53 of 1. That is 45 packets/s and 360 kbit/s.
const (
	framesPerSecond = 30
	clipFrames      = 90
	keyFramePackets = 10
	doubleFrames    = 36
	packetsPerS     = 45
	payloadSize     = 1000
	descriptorSize  = 4
	pictureSize     = payloadSize - descriptorSize
)

// clip is what each student sends: frames of packets. Only the pacer touches it.
type clip [][]clipPacket

type clipPacket struct {
	payload []byte
	// stamped: the end of the payload has room for a stamp.
	stamped bool
}

// keyFrameIVF is a real picture, since an SFU may want to look at it: the first
// of the lab's clip, encoded so that it fits into a key frame's packets.
//
//	ffmpeg -i hack/lab/client/clip.ivf -frames:v 1 -c:v libvpx -deadline good \
//	    -qmin 14 -qmax 14 -b:v 5M -threads 1 -fflags +bitexact -flags:v +bitexact keyframe.ivf
//
//go:embed keyframe.ivf
var keyFrameIVF []byte

// newClip returns the key frame, and noise with the header of a frame (RFC 6386)
// in place of the others, which nothing here decodes. All have valid VP8
// descriptors (RFC 7741).
func newClip() (clip, error) {
	reader, _, err := ivfreader.NewWith(bytes.NewReader(keyFrameIVF))
	if err != nil {
		return nil, fmt.Errorf("key frame: %w", err)
	}

	keyFrame, _, err := reader.ParseNextFrame()
	if err != nil {
		return nil, fmt.Errorf("key frame: %w", err)
	}

	if len(keyFrame) > keyFramePackets*pictureSize-stampSize {
		return nil, fmt.Errorf("the key frame's %d bytes are too many", len(keyFrame))
	}

	// What follows a frame's end is no part of it: zeros, and the last packet's
	// stamp.
	frames := clip{packets(keyFrame, keyFramePackets)}
	frames[0][keyFramePackets-1].stamped = true

	for i := 1; i < clipFrames; i++ {
		n := 1
		if i*doubleFrames/(clipFrames-1) > (i-1)*doubleFrames/(clipFrames-1) {
			n = 2
		}

		noise := make([]byte, n*pictureSize)
		for at := range noise {
			noise[at] = byte(rand.Uint32())
		}
		// No key frame, shown, and half of it is the first partition.
		tag := 1 | 1<<4 | len(noise)/2<<5
		noise[0], noise[1], noise[2] = byte(tag), byte(tag>>8), byte(tag>>16)

		frame := packets(noise, n)
		for at := range frame {
			frame[at].stamped = true
		}

		frames = append(frames, frame)
	}

	return frames, nil
}

// packets cuts a frame into n payloads, each behind a descriptor with a picture
// id of 15 bits, which the pacer writes. What the frame leaves is zero.
func packets(frame []byte, n int) []clipPacket {
	cut := make([]clipPacket, n)
	for i := range cut {
		payload := make([]byte, payloadSize)
		// Extended, with a picture id, of 15 bits.
		payload[0], payload[1], payload[2] = 0x80, 0x80, 0x80

		if i == 0 {
			payload[0] |= 0x10 // a frame starts here
		}

		frame = frame[copy(payload[descriptorSize:], frame):]
		cut[i].payload = payload
	}

	return cut
}
