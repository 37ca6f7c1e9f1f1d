package keyframe

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	decoder "golang.org/x/image/vp8"

	"github.com/invigil/invigil/sfu/vp8"
)

const (
	// maxPixels bounds what a header of ten bytes can make the decoder allocate.
	maxPixels   = 4 << 20
	jpegQuality = 80
)

// ErrCorrupt: what the student sent is no key frame that can be decoded.
var ErrCorrupt = errors.New("the key frame cannot be decoded")

// Decode returns the picture of a key frame, in the full range of 0 to 255 that
// JPEG means by YCbCr. Error: ErrCorrupt.
func Decode(frame []byte) (picture *image.YCbCr, err error) {
	width, height, ok := vp8.FrameSize(frame, vp8.Descriptor{Start: true})
	if !ok || width*height > maxPixels {
		return nil, fmt.Errorf("%w: not a key frame, or of %d x %d pixels", ErrCorrupt, width, height)
	}

	// The decoder is somebody else's and its input a student's: a panic in there
	// is the frame's fault, and must not end the pod.
	defer func() {
		if cause := recover(); cause != nil {
			picture, err = nil, fmt.Errorf("%w: the decoder panics: %v", ErrCorrupt, cause)
		}
	}()

	d := decoder.NewDecoder()
	d.Init(bytes.NewReader(frame), len(frame))

	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}

	picture, err = d.DecodeFrame()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}

	// The decoder pads to macroblocks and shows the part that the header names.
	expand(picture)

	return picture, nil
}

// Encode returns the picture as JPEG.
func Encode(picture *image.YCbCr) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}

	return out.Bytes(), nil
}

// expand stretches video's range, luma 16 to 235 and chroma 16 to 240, to 0 to
// 255. Without that black would be a dark gray.
func expand(picture *image.YCbCr) {
	var luma, chroma [256]byte

	for i := range 256 {
		luma[i] = clamp((float64(i) - 16) * 255 / 219)
		chroma[i] = clamp((float64(i)-128)*255/224 + 128)
	}

	for i, y := range picture.Y {
		picture.Y[i] = luma[y]
	}

	for i, c := range picture.Cb {
		picture.Cb[i] = chroma[c]
	}

	for i, c := range picture.Cr {
		picture.Cr[i] = chroma[c]
	}
}

func clamp(value float64) byte { return byte(min(max(value+.5, 0), 255)) }
