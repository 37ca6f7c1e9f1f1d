package keyframe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/keyframe"
)

func TestPictures(t *testing.T) {
	_, moving := clip(t, camera)
	_, dark := clip(t, black)

	for name, tc := range map[string]struct {
		frame           []byte
		atLeast, atMost float64
	}{
		"camera": {moving[0], 60, 200},
		"black":  {dark[0], 0, 2},
	} {
		picture, err := keyframe.Decode(tc.frame)
		must(t, err)

		sample := keyframe.Measure(picture, time.Now(), nil)
		t.Logf("%s: luminance %.1f, sharpness %.1f", name, sample.Luminance, sample.Sharpness)

		if sample.Luminance < tc.atLeast || sample.Luminance > tc.atMost {
			t.Errorf("%s: luminance %v", name, sample.Luminance)
		}

		data, err := keyframe.Encode(picture)
		must(t, err)
		decoded, err := jpeg.Decode(bytes.NewReader(data))
		must(t, err)

		// 360 is no multiple of a macroblock's 16.
		if got := decoded.Bounds(); got != image.Rect(0, 0, clipWidth, clipHeight) {
			t.Errorf("%s: picture of %v", name, got)
		}
	}
}

func TestCorrupt(t *testing.T) {
	_, keys := clip(t, camera)
	whole := keys[0]
	alter := func(i int, value byte) []byte {
		frame := bytes.Clone(whole)
		frame[i] = value

		return frame
	}
	sized := func(width, height uint16) []byte {
		frame := bytes.Clone(whole)
		binary.LittleEndian.PutUint16(frame[6:], width)
		binary.LittleEndian.PutUint16(frame[8:], height)

		return frame
	}

	for name, frame := range map[string][]byte{
		"empty":         nil,
		"header only":   whole[:10],
		"cut off":       whole[:len(whole)/3],
		"no key frame":  alter(0, whole[0]|1),
		"no start code": alter(3, 0),
		"no width":      sized(0, 360),
		"no height":     sized(640, 0),
		"huge":          sized(16383, 16383),
		"larger":        sized(1920, 1080),
		"all 0xff":      append(bytes.Clone(whole[:10]), bytes.Repeat([]byte{0xff}, 1000)...),
	} {
		if picture, err := keyframe.Decode(frame); !errors.Is(err, keyframe.ErrCorrupt) || picture != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, keys := clip(f, black)
	small := bytes.Clone(keys[0]) // fewer macroblocks make the search faster
	small[6], small[7], small[8], small[9] = 40, 0, 24, 0

	f.Add(keys[0])
	f.Add(small)
	f.Add(small[:20])
	f.Fuzz(func(t *testing.T, frame []byte) {
		picture, err := keyframe.Decode(frame)
		if (err == nil) != (picture != nil) || err != nil && !errors.Is(err, keyframe.ErrCorrupt) {
			t.Fatalf("picture %v, error %v", picture != nil, err)
		}

		if picture != nil {
			keyframe.Measure(picture, time.Now(), nil)

			_, err := keyframe.Encode(picture)
			must(t, err)
		}
	})
}

// drawn is a picture whose luma is drawn by at.
func drawn(width, height int, at func(x, y int) int) *image.YCbCr {
	picture := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)

	for y := range height {
		for x := range width {
			picture.Y[y*picture.YStride+x] = byte(min(max(at(x, y), 0), 255))
		}
	}

	return picture
}

func TestSharpness(t *testing.T) {
	sharpness := func(width, height int, at func(x, y int) int) float64 {
		return keyframe.Measure(drawn(width, height, at), time.Now(), nil).Sharpness
	}

	if got := sharpness(640, 360, func(int, int) int { return 99 }); got > 1e-6 {
		t.Errorf("a flat picture: %v", got)
	}

	edge := sharpness(640, 360, func(x, _ int) int { return x / 80 % 2 * 200 })
	ramp := sharpness(640, 360, func(x, _ int) int {
		if x /= 2; x%80 < 40 {
			return x % 80 * 5
		}

		return (80 - x%80) * 5
	})

	if edge < 100 || ramp > edge/10 {
		t.Errorf("edges: %v, blurred: %v", edge, ramp)
	}

	for _, size := range [][2]int{{1, 1}, {2, 500}, {3, 3}, {31, 17}, {161, 91}} {
		if got := sharpness(size[0], size[1], func(x, y int) int { return x ^ y }); got < 0 {
			t.Errorf("%v: %v", size, got)
		}
	}
}

func TestStill(t *testing.T) {
	_, keys := clip(t, camera)
	frame := func(i int) *image.YCbCr {
		picture, err := keyframe.Decode(keys[i])
		must(t, err)

		return picture
	}
	// noise is what a camera adds to each pixel.
	noise := func(picture *image.YCbCr, seed uint64) *image.YCbCr {
		random := rand.New(rand.NewPCG(seed, 2))
		for i, luma := range picture.Y {
			picture.Y[i] = byte(min(max(int(luma)+random.IntN(13)-6, 0), 255))
		}

		return picture
	}
	nod := func(picture *image.YCbCr) *image.YCbCr {
		for y := 100; y < 140; y++ {
			for x := 300; x < 340; x++ {
				picture.Y[y*picture.YStride+x] /= 2
			}
		}

		return picture
	}
	begin := time.UnixMilli(1e12)

	var last *keyframe.Sample

	for i, step := range []struct {
		picture *image.YCbCr
		want    time.Duration
	}{
		{frame(0), 0},
		{frame(0), 10 * time.Second},
		{noise(frame(0), 1), 20 * time.Second},
		{noise(frame(0), 2), 30 * time.Second},
		{nod(frame(0)), 0},
		{frame(1), 0},
		{frame(2), 0},
		{frame(2), 10 * time.Second},
	} {
		last = keyframe.Measure(step.picture, begin.Add(time.Duration(i)*10*time.Second), last)
		if last.Still() != step.want {
			t.Errorf("step %d: still for %v, want %v", i, last.Still(), step.want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	_, keys := clip(b, camera)
	for b.Loop() {
		_, err := keyframe.Decode(keys[0])
		must(b, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	_, keys := clip(b, camera)
	picture, err := keyframe.Decode(keys[0])
	must(b, err)

	for b.Loop() {
		_, err := keyframe.Encode(picture)
		must(b, err)
	}
}

func BenchmarkMeasure(b *testing.B) {
	_, keys := clip(b, camera)
	picture, err := keyframe.Decode(keys[0])
	must(b, err)

	for b.Loop() {
		keyframe.Measure(picture, time.Time{}, nil)
	}
}
