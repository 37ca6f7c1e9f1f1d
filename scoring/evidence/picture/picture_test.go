package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/picture"
)

// scene is a picture with some detail, so that its JPEG is not trivial.
func scene(width, height int, noise uint8) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))

	for y := range height {
		for x := range width {
			n := uint8(0)
			if noise > 0 {
				n = uint8(random.UintN(uint(noise)))
			}

			img.SetRGBA(x, y, color.RGBA{R: uint8(x) + n, G: uint8(y) + n, B: n, A: 255})
		}
	}

	return img
}

func encode(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()

	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}

	return out.Bytes()
}

// withSegment puts a segment behind the picture's first marker.
func withSegment(raw []byte, marker byte, payload []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xFF, marker}, uint16(len(payload)+2))
	segment = append(segment, payload...)

	return append(append([]byte{0xFF, 0xD8}, segment...), raw[2:]...)
}

// exifGPS is an EXIF segment that says 51°30'00"N, in the layout of cameras: IFD0
// with a maker and a pointer to the GPS directory.
func exifGPS() []byte {
	order := binary.BigEndian
	tiff := append([]byte("MM\x00\x2a"), order.AppendUint32(nil, 8)...)
	entry := func(tag, kind uint16, count uint32, value []byte) {
		tiff = order.AppendUint16(tiff, tag)
		tiff = order.AppendUint16(tiff, kind)
		tiff = order.AppendUint32(tiff, count)
		tiff = append(tiff, append(value, make([]byte, 4-len(value))...)...)
	}

	tiff = order.AppendUint16(tiff, 2)
	entry(0x010F, 2, 4, []byte("Cam"))                       // Make
	entry(0x8825, 4, 1, order.AppendUint32(nil, 38))         // GPSInfo
	tiff = order.AppendUint32(tiff, 0)                       // no IFD1
	tiff = order.AppendUint16(tiff, 2)                       // at 38
	entry(0x0001, 2, 2, []byte("N\x00"))                     // GPSLatitudeRef
	entry(0x0002, 5, 3, order.AppendUint32(nil, 68))         // GPSLatitude
	tiff = order.AppendUint32(tiff, 0)                       // at 64
	for _, part := range []uint32{51, 1, 30, 1, 707070, 1} { // at 68
		tiff = order.AppendUint32(tiff, part)
	}

	return append([]byte("Exif\x00\x00"), tiff...)
}

func TestMetadataIsGone(t *testing.T) {
	plain := encode(t, scene(320, 240, 8), 90)
	raw := withSegment(plain, 0xE1, exifGPS())
	raw = withSegment(raw, 0xFE, []byte("SECRET-COMMENT"))
	raw = append(raw, "SECRET-TRAILER"...)

	for _, there := range []string{"Exif\x00\x00", "Cam\x00", "SECRET-COMMENT", "SECRET-TRAILER"} {
		if !bytes.Contains(raw, []byte(there)) {
			t.Fatalf("the test's picture has no %q", there)
		}
	}

	kept, meta, err := picture.AcceptJPEG(raw, picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}

	for _, gone := range []string{"Exif", "Cam\x00", "SECRET", string(binary.BigEndian.AppendUint32(nil, 707070))} {
		if bytes.Contains(kept, []byte(gone)) {
			t.Errorf("kept %q", gone)
		}
	}

	for _, marker := range []byte{0xE1, 0xFE} {
		if bytes.Contains(kept[:200], []byte{0xFF, marker}) {
			t.Errorf("kept a segment %x", marker)
		}
	}

	want := picture.Meta{SHA256: format.Hash(kept), Size: len(kept), Width: 320, Height: 240}
	if meta != want {
		t.Errorf("meta %+v, want %+v", meta, want)
	}

	if img, err := jpeg.Decode(bytes.NewReader(kept)); err != nil || img.Bounds().Dx() != 320 {
		t.Errorf("what is kept is no picture: %v", err)
	}
}

// withScans is the picture drawn so many times over: the decoder takes it.
func withScans(raw []byte, count int) []byte {
	begin, end := bytes.Index(raw, []byte{0xFF, 0xDA}), len(raw)-2

	return append(append(bytes.Clone(raw[:begin]), bytes.Repeat(raw[begin:end], count)...), raw[end:]...)
}

func TestAFewScansAreTaken(t *testing.T) {
	if _, _, err := picture.AcceptJPEG(withScans(encode(t, scene(64, 48, 0), 90), 16), picture.Limits{}); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	small := encode(t, scene(64, 48, 0), 90)

	var asPNG bytes.Buffer
	if err := png.Encode(&asPNG, scene(64, 48, 0)); err != nil {
		t.Fatal(err)
	}

	// A header that promises a huge picture, with nothing behind it.
	bomb := bytes.Clone(small)
	at := bytes.Index(bomb, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(bomb[at+5:], 65500)
	binary.BigEndian.PutUint16(bomb[at+7:], 65500)

	cases := map[string]struct {
		raw    []byte
		limits picture.Limits
		want   picture.Code
	}{
		"nothing":            {nil, picture.Limits{}, picture.CodeNotJPEG},
		"text":               {[]byte("hello, this is text"), picture.Limits{}, picture.CodeNotJPEG},
		"PNG":                {asPNG.Bytes(), picture.Limits{}, picture.CodeNotJPEG},
		"too many bytes":     {make([]byte, 256<<10+1), picture.Limits{}, picture.CodeTooLarge},
		"over a lower limit": {small, picture.Limits{Bytes: len(small) - 1}, picture.CodeTooLarge},
		"too wide":           {encode(t, scene(1921, 8, 0), 50), picture.Limits{}, picture.CodeBadDimensions},
		"too high":           {encode(t, scene(8, 1081, 0), 50), picture.Limits{}, picture.CodeBadDimensions},
		"decompression bomb": {bomb, picture.Limits{}, picture.CodeBadDimensions},
		"only the beginning": {small[:4], picture.Limits{}, picture.CodeUndecodable},
		"cut off":            {small[:len(small)-40], picture.Limits{}, picture.CodeUndecodable},
		"many scans":         {withScans(small, 17), picture.Limits{}, picture.CodeUndecodable},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := picture.AcceptJPEG(tc.raw, tc.limits)

			var refused *picture.RefusedError
			if !errors.As(err, &refused) || refused.Code != tc.want {
				t.Fatalf("got %v, want %s", err, tc.want)
			}

			if strings.TrimSpace(refused.Reason) == "" {
				t.Error("no reason")
			}
		})
	}
}

func TestLargestPictureFits(t *testing.T) {
	raw := encode(t, scene(1920, 1080, 40), 8)
	if len(raw) > 256<<10 {
		t.Fatalf("the test's picture has %d bytes", len(raw))
	}

	kept, meta, err := picture.AcceptJPEG(raw, picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}

	if len(kept) > 256<<10 || meta.Width != 1920 || meta.Height != 1080 {
		t.Errorf("%d bytes, %+v", len(kept), meta)
	}
}

func FuzzAcceptJPEG(f *testing.F) {
	small := encode(f, scene(40, 30, 30), 75)
	f.Add(small)
	f.Add(withSegment(small, 0xE1, exifGPS()))
	f.Add(encode(f, image.NewGray(image.Rect(0, 0, 17, 9)), 50))
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 0})

	limits := picture.Limits{Bytes: 32 << 10, Width: 320, Height: 240}

	f.Fuzz(func(t *testing.T, raw []byte) {
		kept, meta, err := picture.AcceptJPEG(raw, limits)

		var refused *picture.RefusedError
		if err != nil {
			if !errors.As(err, &refused) || kept != nil {
				t.Fatalf("%v with %d bytes", err, len(kept))
			}

			return
		}

		config, err := jpeg.DecodeConfig(bytes.NewReader(kept))
		if err != nil || config.Width != meta.Width || config.Height != meta.Height {
			t.Fatalf("kept %+v, which is %+v, %v", meta, config, err)
		}

		if len(kept) > limits.Bytes || meta.Width > limits.Width || meta.Height > limits.Height || meta.Size != len(kept) {
			t.Fatalf("beyond the limits: %+v", meta)
		}
	})
}
