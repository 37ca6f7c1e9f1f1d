// Package picture takes in pictures from students' pages. Nothing of what a page
// sends is kept as it came: it is proven to be a JPEG by decoding it, in bounded
// memory and time, and what is kept is encoded anew, so that it has no metadata
// (place, device, time, thumbnails), nothing appended, and nothing hidden that a
// viewer's decoder could stumble over.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// Code is a stable reason for a refusal: clients may compare it.
type Code string

// The codes.
const (
	// CodeTooLarge: more bytes than Limits.Bytes, before or after encoding it anew.
	CodeTooLarge Code = "TooLarge"
	// CodeNotJPEG: it does not begin as a JPEG does, or is one of a kind that
	// cameras and browsers do not make.
	CodeNotJPEG Code = "NotJPEG"
	// CodeBadDimensions: wider or higher than allowed, or without pixels.
	CodeBadDimensions Code = "BadDimensions"
	// CodeUndecodable: it begins as a JPEG and does not go on as one.
	CodeUndecodable Code = "Undecodable"
)

// RefusedError is why a picture was not accepted.
type RefusedError struct {
	Code Code
	// Reason is for people and may change.
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("picture refused (%s): %s", e.Code, e.Reason)
}

func refuse(code Code, reason string, values ...any) error {
	return &RefusedError{Code: code, Reason: fmt.Sprintf(reason, values...)}
}

// Limits of a picture. Zero values are the defaults.
type Limits struct {
	// Bytes of the picture as it comes, and as it is kept. Default: 256 KiB.
	Bytes int
	// Width and Height in pixels. Defaults: 1920 and 1080.
	Width, Height int
}

// Meta is what an accepted picture is.
type Meta struct {
	// SHA256 in hex and Size in bytes, of what is kept.
	SHA256        string
	Size          int
	Width, Height int
}

// qualities are tried in turn until the picture fits: the first is near what
// pages send, the last holds any picture that came in below the limit at all.
var qualities = [...]int{85, 70, 50, 30, 10}

// AcceptJPEG checks raw and returns the picture as it is to be kept. A picture
// that the page's camera turned by metadata comes out as it was stored; our page
// sends none. Decoding takes at most 25 MB for a picture of the default limits.
// Errors: *RefusedError.
func AcceptJPEG(raw []byte, limits Limits) ([]byte, Meta, error) {
	if limits.Bytes <= 0 {
		limits.Bytes = 256 << 10
	}

	if limits.Width <= 0 {
		limits.Width = 1920
	}

	if limits.Height <= 0 {
		limits.Height = 1080
	}

	if len(raw) > limits.Bytes {
		return nil, Meta{}, refuse(CodeTooLarge, "%d bytes, at most %d are taken", len(raw), limits.Bytes)
	}

	decoded, err := decode(raw, limits)
	if err != nil {
		return nil, Meta{}, err
	}

	var clean bytes.Buffer

	for _, quality := range qualities {
		clean.Reset()

		if err := jpeg.Encode(&clean, decoded, &jpeg.Options{Quality: quality}); err != nil {
			return nil, Meta{}, refuse(CodeUndecodable, "it cannot be encoded again: %v", err)
		}

		if clean.Len() <= limits.Bytes {
			kept := clean.Bytes()
			size := decoded.Bounds()

			return kept, Meta{SHA256: format.Hash(kept), Size: len(kept), Width: size.Dx(), Height: size.Dy()}, nil
		}
	}

	return nil, Meta{}, refuse(CodeTooLarge, "it does not fit into %d bytes without its metadata", limits.Bytes)
}

// decode decodes what is small, simple and a JPEG.
func decode(raw []byte, limits Limits) (image.Image, error) {
	if err := checkScans(raw); err != nil {
		return nil, err
	}

	config, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, undecodable(err)
	}

	if config.Width <= 0 || config.Height <= 0 || config.Width > limits.Width || config.Height > limits.Height {
		return nil, refuse(CodeBadDimensions, "%dx%d pixels, at most %dx%d are taken",
			config.Width, config.Height, limits.Width, limits.Height)
	}

	// Print's four colours and bare RGB come from no camera, and encode slowly.
	if config.ColorModel != color.YCbCrModel && config.ColorModel != color.GrayModel {
		return nil, refuse(CodeNotJPEG, "its colours are neither YCbCr nor grey")
	}

	decoded, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, undecodable(err)
	}

	return decoded, nil
}

func undecodable(err error) error {
	var unsupported jpeg.UnsupportedError
	if errors.As(err, &unsupported) {
		return refuse(CodeNotJPEG, "%v", err)
	}

	return refuse(CodeUndecodable, "%v", err)
}
