package sfu_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	cameraClip = "../hack/lab/client/clip.ivf"
	blackClip  = "../hack/lab/client/black.ivf"
)

// camera shows a clip in a loop. It sends a key frame when it is asked for one,
// and otherwise frames that need one.
type camera struct {
	keys, others [][]byte
	wanted       atomic.Bool
	// deaf ignores requests; asked counts them all.
	deaf  atomic.Bool
	asked atomic.Int32
	turn  int
	sent  atomic.Int32 // key frames
}

func newCamera(t *testing.T, clip string) *camera {
	t.Helper()

	data, err := os.ReadFile(clip)
	must(t, err)
	reader, _, err := ivfreader.NewWith(bytes.NewReader(data))
	must(t, err)

	c := &camera{}
	c.wanted.Store(true)

	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return c
		}

		must(t, err)

		if frame[0]&1 == 0 {
			c.keys = append(c.keys, frame)
		} else {
			c.others = append(c.others, frame)
		}
	}
}

func (c *camera) next() []byte {
	c.turn++

	if !c.deaf.Load() && c.wanted.Swap(false) {
		return c.keys[int(c.sent.Add(1))%len(c.keys)]
	}

	return c.others[c.turn%len(c.others)]
}

// hear takes requests for key frames until the sender stops.
func (s *student) hear(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}

		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); !ok {
				continue
			}

			if camera := s.camera.Load(); camera != nil {
				camera.asked.Add(1)
				camera.wanted.Store(true)
			}
		}
	}
}

// show publishes a student with a camera.
func (p *pod) show(id string, camera *camera) *student {
	p.t.Helper()

	s := p.publish(id)
	s.camera.Store(camera)

	return s
}

func (p *pod) keyFrame(student, query string) answer {
	p.t.Helper()

	return p.do(http.MethodGet, "/internal/v1/streams/"+student+"/keyframe"+query,
		p.sign(token.Internal, "scoring", noClaims), "")
}

// seen is a picture that was answered.
type seen struct {
	luminance float64
	at        time.Time
	jpeg      string
}

// see asks for a picture, which there must be.
func (p *pod) see(student, query string) seen {
	p.t.Helper()

	got := p.keyFrame(student, query)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "image/jpeg" {
		p.t.Fatalf("key frame: %d %s", got.status, got.body)
	}

	picture, err := jpeg.Decode(bytes.NewReader([]byte(got.body)))
	must(p.t, err)

	if bounds := picture.Bounds(); bounds != image.Rect(0, 0, 640, 360) ||
		got.header.Get("X-Invigil-Width") != "640" || got.header.Get("X-Invigil-Height") != "360" {
		p.t.Errorf("picture of %v, headers %v", bounds, got.header)
	}

	milliseconds, err := strconv.ParseInt(got.header.Get("X-Invigil-Captured-At"), 10, 64)
	must(p.t, err)

	luma, sum := picture.(*image.YCbCr), 0

	for y := range 360 {
		for _, value := range luma.Y[y*luma.YStride:][:640] {
			sum += int(value)
		}
	}

	return seen{float64(sum) / (640 * 360), time.UnixMilli(milliseconds), got.body}
}

// onlyWhenAsked is a pod that asks for no key frames by itself.
func onlyWhenAsked(o *podOptions) {
	o.timing.KeyFrameInterval = time.Hour
	o.timing.SampleInterval = 0
}

func TestKeyFrame(t *testing.T) {
	p := startPod(t, onlyWhenAsked)
	moving := newCamera(t, cameraClip)
	p.show("ada", moving)

	first := p.see("ada", "?maxAgeMs=60000")
	if first.luminance < 60 || first.luminance > 200 {
		t.Errorf("luminance = %v", first.luminance)
	}

	if age := time.Since(first.at); age < -time.Second || age > 10*time.Second {
		t.Errorf("captured %v ago", age)
	}

	// What is young enough is answered again, and nobody is asked. The requests
	// for the first one may still be under way.
	var asked int32

	p.eventually("the picture stays", 5*time.Second, func() bool {
		asked = moving.asked.Load()
		first = p.see("ada", "?maxAgeMs=60000")

		return p.see("ada", "?maxAgeMs=60000") == first && moving.asked.Load() == asked
	})

	// What is not is asked for.
	second := p.see("ada", "?maxAgeMs=0")
	if !second.at.After(first.at) || second.jpeg == first.jpeg {
		t.Errorf("an older picture, of %v and not after %v", second.at, first.at)
	}

	if got := moving.asked.Load(); got == asked {
		t.Error("the student was not asked")
	}

	// Another camera.
	p.show("bob", newCamera(t, blackClip))

	if dark := p.see("bob", ""); dark.luminance > 3 {
		t.Errorf("luminance of black = %v", dark.luminance)
	}

	counted := p.metric(`invigil_sfu_keyframe_requests_total{result="Picture"}`)
	if n, err := strconv.Atoi(counted); err != nil || n < 5 {
		t.Errorf("counted %s pictures", counted)
	}

	if got := p.metric(`invigil_sfu_keyframe_decode_seconds_count`); got != counted {
		t.Errorf("timed %s pictures of %s", got, counted)
	}
}

func TestNoKeyFrame(t *testing.T) {
	p := startPod(t, onlyWhenAsked)
	path := "/internal/v1/streams/ada/keyframe"

	for name, tc := range map[string]struct {
		bearer, query string
		want          int
		code          wire.ErrorCode
	}{
		"no token":     {"", "", http.StatusUnauthorized, wire.CodeUnauthenticated},
		"a grant":      {p.grant("ada"), "", http.StatusUnauthorized, wire.CodeUnauthenticated},
		"bad query":    {p.sign(token.Internal, "lab", noClaims), "?maxAgeMs=1e3", http.StatusBadRequest, wire.CodeBadRequest},
		"no such":      {p.sign(token.Internal, "lab", noClaims), "", http.StatusNotFound, wire.CodeNotFound},
		"no such, old": {p.sign(token.Internal, "lab", noClaims), "?maxAgeMs=60000", http.StatusNotFound, wire.CodeNotFound},
	} {
		if got := p.do(http.MethodGet, path+tc.query, tc.bearer, ""); got.status != tc.want || got.code() != tc.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	// A camera that never sends what it is asked for.
	deaf := newCamera(t, cameraClip)
	deaf.deaf.Store(true)

	ada := p.show("ada", deaf)
	began := time.Now()

	got := p.keyFrame("ada", "")
	if got.status != http.StatusGatewayTimeout || got.code() != wire.CodeKeyFrameTimeout {
		t.Errorf("no key frame: %d %s", got.status, got.body)
	}

	if took := time.Since(began); took < 2900*time.Millisecond || took > 6*time.Second {
		t.Errorf("answered after %v", took)
	}

	if got := deaf.asked.Load(); got < 3 {
		t.Errorf("asked %d times", got)
	}

	// The same one hears again; then it goes while somebody waits.
	deaf.deaf.Store(false)
	p.see("ada", "")
	deaf.deaf.Store(true)

	var waiting sync.WaitGroup

	waiting.Go(func() { got = p.keyFrame("ada", "?maxAgeMs=0") })
	ada.leave(t)
	waiting.Wait()

	if got.status != http.StatusNotFound || got.code() != wire.CodeNotFound {
		t.Errorf("the student went: %d %s", got.status, got.body)
	}
}

// TestKeyFrameThatIsNone: a start code and nothing behind it.
func TestKeyFrameThatIsNone(t *testing.T) {
	p := startPod(t, onlyWhenAsked)
	broken := newCamera(t, cameraClip)

	for i, key := range broken.keys {
		broken.keys[i] = append(bytes.Clone(key[:10]), bytes.Repeat([]byte{0xff}, 3000)...)
	}

	p.show("ada", broken)

	if got := p.keyFrame("ada", ""); got.status != http.StatusBadGateway || got.code() != wire.CodeUnsupportedMedia {
		t.Errorf("key frame: %d %s", got.status, got.body)
	}
}

// TestTakeOverReplacesThePicture: of the older session no picture is left.
func TestTakeOverReplacesThePicture(t *testing.T) {
	p := startPod(t, onlyWhenAsked)
	p.show("ada", newCamera(t, cameraClip))

	if bright := p.see("ada", ""); bright.luminance < 60 {
		t.Errorf("luminance = %v", bright.luminance)
	}

	p.show("ada", newCamera(t, blackClip))

	if dark := p.see("ada", "?maxAgeMs=60000"); dark.luminance > 3 {
		t.Errorf("luminance after take-over = %v", dark.luminance)
	}
}

// TestManyLook: pictures for many at once, and none of them fails.
func TestManyLook(t *testing.T) {
	const many = 20

	p := startPod(t, onlyWhenAsked)
	p.show("ada", newCamera(t, cameraClip))
	p.see("ada", "")

	var looking sync.WaitGroup

	statuses := make([]int, many)
	for i := range many {
		looking.Go(func() { statuses[i] = p.keyFrame("ada", "?maxAgeMs=1000").status })
	}

	looking.Wait()

	for _, status := range statuses {
		if status != http.StatusOK {
			t.Errorf("statuses = %v", statuses)
		}
	}
}

// TestSampled: the streams tell what their cameras show.
func TestSampled(t *testing.T) {
	p := startPod(t, func(o *podOptions) {
		o.timing.KeyFrameInterval = 200 * time.Millisecond
		o.timing.SampleInterval = 300 * time.Millisecond
		o.timing.SampleShare = .5
	})
	ada := p.show("ada", newCamera(t, cameraClip))
	p.show("bob", newCamera(t, blackClip))
	p.publish("eve") // sends nothing that can be decoded

	p.eventually("ada is bright, sharp and moves", 10*time.Second, func() bool {
		s := p.stream("ada")

		return s.Luminance != nil && *s.Luminance > 60 && *s.Sharpness > 100 && *s.StillMs == 0
	})
	p.eventually("bob is dark and still", 10*time.Second, func() bool {
		s := p.stream("bob")

		return s.Luminance != nil && *s.Luminance < 3 && *s.Sharpness < 1 && *s.StillMs > 1000
	})

	// A frozen picture is not dark.
	frozen := newCamera(t, cameraClip)
	frozen.keys = frozen.keys[:1]
	ada.camera.Store(frozen)
	p.eventually("ada freezes", 10*time.Second, func() bool {
		s := p.stream("ada")

		return *s.StillMs > 1000 && *s.Luminance > 60
	})

	if s := p.stream("eve"); !s.Receiving || s.Luminance != nil || s.Sharpness != nil || s.StillMs != nil {
		t.Errorf("eve = %+v", s)
	}

	// Nothing is known of what does not arrive.
	ada.silent.Store(true)
	p.eventually("ada's media ends", 10*time.Second, func() bool {
		s := p.stream("ada")

		return !s.Receiving && s.Luminance == nil && s.StillMs == nil
	})
}
