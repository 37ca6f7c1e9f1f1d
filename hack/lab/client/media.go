package client

import (
	"bytes"
	"context"
	_ "embed" // the clips
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// The clips; hack/lab/make-clip.sh makes them.
var (
	//go:embed clip.ivf
	cameraIVF []byte
	//go:embed black.ivf
	blackIVF []byte
)

// clip is encoded VP8, to be played in a loop. It begins with a key frame.
type clip struct {
	frames   [][]byte
	interval time.Duration
}

// clips reads the embedded clips once for all students.
//
//nolint:gochecknoglobals // a cache of constants
var clips = sync.OnceValues(func() (map[Picture]*clip, error) {
	camera, err := readClip(cameraIVF)
	if err != nil {
		return nil, fmt.Errorf("camera clip: %w", err)
	}

	black, err := readClip(blackIVF)
	if err != nil {
		return nil, fmt.Errorf("black clip: %w", err)
	}

	return map[Picture]*clip{
		Moving: camera,
		Black:  black,
		Frozen: {frames: camera.frames[:1], interval: camera.interval},
	}, nil
})

func readClip(data []byte) (*clip, error) {
	reader, header, err := ivfreader.NewWith(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}

	read := &clip{
		interval: time.Second * time.Duration(header.TimebaseNumerator) / time.Duration(header.TimebaseDenominator),
	}

	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}

		if err != nil {
			return nil, fmt.Errorf("read frame: %w", err)
		}

		read.frames = append(read.frames, frame)
	}

	if len(read.frames) == 0 || !isKeyFrame(read.frames[0]) {
		return nil, errors.New("does not begin with a key frame")
	}

	return read, nil
}

// isKeyFrame tells whether a VP8 frame is one (RFC 6386, section 9.1).
func isKeyFrame(frame []byte) bool { return len(frame) > 0 && frame[0]&1 == 0 }

// next returns the position after i. After a request for a key frame that is the
// next key frame: a jump that each decoder can follow.
func (c *clip) next(i int, wantKeyFrame bool) int {
	i = (i + 1) % len(c.frames)
	for wantKeyFrame && !isKeyFrame(c.frames[i]) {
		i = (i + 1) % len(c.frames)
	}

	return i
}

// Picture is what a camera shows.
type Picture int32

// The pictures.
const (
	// Moving is a moving test picture.
	Moving Picture = iota
	// Black is a covered camera.
	Black
	// Frozen is the same picture again and again.
	Frozen
	// Nothing is a camera that sends no media at all.
	Nothing
)

// trickleInterval is between the frames of a student whom nobody watches.
const trickleInterval = time.Second

// Camera plays clips into a peer's video.
type Camera struct {
	peer    *Peer
	picture atomic.Int32
}

// NewCamera returns a camera with a moving picture. Run plays it.
func NewCamera(peer *Peer) *Camera { return &Camera{peer: peer} }

// Show changes the picture.
func (c *Camera) Show(picture Picture) { c.picture.Store(int32(picture)) }

// Run plays until ctx ends; frames before the peer is connected go nowhere.
func (c *Camera) Run(ctx context.Context) error {
	all, err := clips()
	if err != nil {
		return err
	}

	var (
		shown    = Moving
		current  = all[Moving]
		position = -1
		keyFrame bool
		last     time.Time
		ticker   = time.NewTicker(current.interval)
	)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.peer.KeyFrameRequests():
			keyFrame = true

			continue
		case <-ticker.C:
		}

		picture := Picture(c.picture.Load())
		if picture == Nothing {
			continue
		}

		if picture != shown {
			shown, current, position = picture, all[picture], -1
		}

		length := current.interval

		if c.peer.trickles() {
			// What is left out is missed by the frames after it, key frames excepted.
			if length = trickleInterval; time.Since(last) < length {
				continue
			}

			keyFrame = true
		}

		position = current.next(position, keyFrame)
		keyFrame, last = false, time.Now()

		if err := c.peer.WriteSample(media.Sample{Data: current.frames[position], Duration: length}); err != nil {
			return err
		}
	}
}
