package vp8_test

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"

	"github.com/invigil/invigil/sfu/vp8"
)

// keyFrame is the head of one of 640x360, asking to be shown at 5/4 of its width.
var keyFrame = []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x01, 0xff}

func join(descriptor []byte, frame ...byte) []byte { return append(bytes.Clone(descriptor), frame...) }

func TestDescriptors(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		want    vp8.Descriptor
	}{
		"start":            {[]byte{0x10, 0}, vp8.Descriptor{Start: true, Size: 1}},
		"middle":           {[]byte{0x00, 0}, vp8.Descriptor{Size: 1}},
		"second partition": {[]byte{0x11, 0}, vp8.Descriptor{Size: 1}},
		"not referenced":   {[]byte{0x30, 0}, vp8.Descriptor{Start: true, NonReference: true, Size: 1}},
		"nothing extended": {[]byte{0x90, 0x00, 0}, vp8.Descriptor{Start: true, Size: 2}},
		"7 bits": {
			[]byte{0x90, 0x80, 0x7f, 0},
			vp8.Descriptor{Start: true, HasPictureID: true, PictureID: 127, PictureIDBits: 7, Size: 3},
		},
		"15 bits": {
			[]byte{0x90, 0x80, 0xff, 0xfe, 0},
			vp8.Descriptor{Start: true, HasPictureID: true, PictureID: 0x7ffe, PictureIDBits: 15, Size: 4},
		},
		"temporal layer":  {[]byte{0x80, 0x20, 0xbf, 0}, vp8.Descriptor{HasTID: true, TID: 2, LayerSync: true, Size: 3}},
		"key frame index": {[]byte{0x80, 0x10, 0xff, 0}, vp8.Descriptor{HasKeyIdx: true, KeyIdx: 31, Size: 3}},
		"everything": {
			[]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x65, 0}, vp8.Descriptor{
				Start: true, HasPictureID: true, PictureID: 0x102, PictureIDBits: 15, HasTL0: true, TL0: 3,
				HasTID: true, TID: 1, LayerSync: true, HasKeyIdx: true, KeyIdx: 5, Size: 6,
			},
		},
	} {
		if got, ok := vp8.ParseDescriptor(tc.payload); !ok || got != tc.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, ok, tc.want)
		}

		for i := range tc.payload {
			if got, ok := vp8.ParseDescriptor(tc.payload[:i]); ok {
				t.Errorf("%s, cut off at %d: %+v", name, i, got)
			}
		}
	}
}

func TestKeyFrameStarts(t *testing.T) {
	alter := func(i int, value byte) []byte {
		frame := bytes.Clone(keyFrame)
		frame[i] = value

		return frame
	}

	for name, tc := range map[string]struct {
		payload       []byte
		start         bool
		width, height int
	}{
		"plain":          {join([]byte{0x10}, keyFrame...), true, 640, 360},
		"picture id":     {join([]byte{0x90, 0x80, 0x81, 0x02}, keyFrame...), true, 640, 360},
		"header only":    {join([]byte{0x10}, keyFrame[:10]...), true, 640, 360},
		"header cut off": {join([]byte{0x10}, keyFrame[:9]...), false, 0, 0},
		"not the first":  {join([]byte{0x00}, keyFrame...), false, 0, 0},
		"delta frame":    {join([]byte{0x10}, alter(0, 0x11)...), false, 0, 0},
		"no start code":  {join([]byte{0x10}, alter(4, 0)...), false, 0, 0},
		"no width":       {join([]byte{0x10}, 0, 0, 0, 0x9d, 1, 0x2a, 0, 0x40, 1, 0), true, 0, 0},
		"no height":      {join([]byte{0x10}, 0, 0, 0, 0x9d, 1, 0x2a, 1, 0, 0, 0x40), true, 0, 0},
		"largest":        {join([]byte{0x10}, 0, 0, 0, 0x9d, 1, 0x2a, 0xff, 0xff, 0xff, 0x3f), true, 16383, 16383},
	} {
		d, ok := vp8.ParseDescriptor(tc.payload)
		if !ok || vp8.IsKeyFrameStart(tc.payload, d) != tc.start {
			t.Errorf("%s: %+v, %v", name, d, ok)
		}

		width, height, ok := vp8.FrameSize(tc.payload, d)
		if width != tc.width || height != tc.height || ok != (tc.width > 0) {
			t.Errorf("%s: %dx%d, %v", name, width, height, ok)
		}
	}
}

func TestRewriting(t *testing.T) {
	for name, tc := range map[string]struct {
		payload, want []byte
	}{
		"15 bits":     {[]byte{0x90, 0x80, 0x81, 0x02, 9}, []byte{0x90, 0x80, 0xff, 0x85, 9}},
		"7 bits":      {[]byte{0x90, 0x80, 0x01, 9}, []byte{0x90, 0x80, 0x05, 9}},
		"TL0":         {[]byte{0x90, 0x40, 1, 9}, []byte{0x90, 0x40, 77, 9}},
		"15 and TL0":  {[]byte{0x90, 0xe0, 0x80, 0, 1, 2, 9}, []byte{0x90, 0xe0, 0xff, 0x85, 77, 2, 9}},
		"7 and TL0":   {[]byte{0x90, 0xc0, 0x00, 1, 9}, []byte{0x90, 0xc0, 0x05, 77, 9}},
		"neither":     {[]byte{0x90, 0x20, 1, 9}, []byte{0x90, 0x20, 1, 9}},
		"no x":        {[]byte{0x10, 0xff, 1, 9}, []byte{0x10, 0xff, 1, 9}},
		"cut off":     {[]byte{0x90, 0xc0, 0x81}, []byte{0x90, 0xc0, 0x81}},
		"flags only":  {[]byte{0x90, 0xc0}, []byte{0x90, 0xc0}},
		"no TL0 left": {[]byte{0x90, 0xc0, 0x81, 2}, []byte{0x90, 0xc0, 0xff, 0x85}},
		"empty":       {nil, nil},
	} {
		got := bytes.Clone(tc.payload)
		vp8.SetPictureID(got, 0x7f85)
		vp8.SetTL0(got, 77)

		if !bytes.Equal(got, tc.want) {
			t.Errorf("%s: %x, want %x", name, got, tc.want)
		}
	}
}

func FuzzParseDescriptor(f *testing.F) {
	for _, payload := range [][]byte{
		{0x10, 0}, {0x90, 0x80, 0x7f, 0}, {0x90, 0x80, 0xff, 0xfe, 0}, {0x90, 0xf0, 0x81, 0x02, 0x03, 0x65, 0},
		join([]byte{0x90, 0x80, 0x81, 0x02}, keyFrame...), {0x90, 0xf0, 0x81, 0x02}, nil,
	} {
		f.Add(payload, uint16(0xffff), uint8(255))
	}

	f.Fuzz(func(t *testing.T, payload []byte, id uint16, tl0 uint8) {
		d, ok := vp8.ParseDescriptor(payload)
		oracle, rest := codecs.VP8Packet{}, []byte(nil)

		if payload != nil {
			var err error
			if rest, err = oracle.Unmarshal(payload); err != nil {
				rest = nil
			}
		}

		if ok != (len(rest) > 0) {
			t.Fatalf("%+v, %v; want %+v", d, ok, oracle)
		}

		vp8.IsKeyFrameStart(payload, d)
		vp8.FrameSize(payload, d)

		altered := bytes.Clone(payload)
		vp8.SetPictureID(altered, id)
		vp8.SetTL0(altered, tl0)

		if !ok {
			return
		}

		if want := describe(oracle, payload, rest); d != want {
			t.Fatalf("%+v, want %+v", d, want)
		}

		want := d
		if d.HasPictureID {
			want.PictureID = id & (1<<d.PictureIDBits - 1)
		}

		if d.HasTL0 {
			want.TL0 = tl0
		}

		if got, ok := vp8.ParseDescriptor(altered); !ok || got != want || !bytes.Equal(altered[got.Size:], rest) {
			t.Fatalf("%+v, %v; want %+v", got, ok, want)
		}
	})
}

// describe is what another parser makes of payload, of which rest is VP8 data.
func describe(oracle codecs.VP8Packet, payload, rest []byte) vp8.Descriptor {
	d := vp8.Descriptor{
		Start: oracle.S == 1 && oracle.PID == 0, NonReference: oracle.N == 1,
		HasPictureID: oracle.I == 1, PictureID: oracle.PictureID, HasTL0: oracle.L == 1, TL0: oracle.TL0PICIDX,
		HasTID: oracle.T == 1, TID: oracle.TID, LayerSync: oracle.Y == 1,
		HasKeyIdx: oracle.K == 1, KeyIdx: oracle.KEYIDX, Size: len(payload) - len(rest),
	}

	if d.HasPictureID {
		d.PictureIDBits = 7
		if payload[2]&0x80 != 0 {
			d.PictureIDBits = 15
		}
	}

	return d
}

func TestNothingIsAllocated(t *testing.T) {
	payload := join([]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x65}, keyFrame...)

	if n := testing.AllocsPerRun(100, func() {
		d, _ := vp8.ParseDescriptor(payload)
		vp8.IsKeyFrameStart(payload, d)
		vp8.SetPictureID(payload, 7)
		vp8.SetTL0(payload, 7)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseDescriptor(b *testing.B) {
	payload := join([]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x65}, keyFrame...)

	b.ReportAllocs()

	for b.Loop() {
		d, _ := vp8.ParseDescriptor(payload)
		vp8.IsKeyFrameStart(payload, d)
	}
}
