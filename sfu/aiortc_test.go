package sfu_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"math"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/whipclient"
	"github.com/invigil/invigil/internal/wire"
)

// decoded is a frame that aiortc has decoded.
type decoded struct {
	At            float64    `json:"at"` // seconds
	Width, Height int        // of the picture
	YUV           [3]float64 `json:"yuv"` // means
}

// aiortc is a client with a WebRTC stack of its own: Python, OpenSSL, libsrtp and
// FFmpeg.
type aiortc struct {
	t      *testing.T
	stdin  io.Closer
	ended  chan struct{}
	err    error
	output bytes.Buffer

	mu     sync.Mutex
	frames []decoded
}

// startAiortc runs testdata/aiortc_client.py.
func startAiortc(t *testing.T, role, url, token string) *aiortc {
	t.Helper()

	// Debian's, whatever other Python is first in the path.
	const python = "/usr/bin/python3"

	if err := exec.CommandContext(t.Context(), python, "-c", "import aiortc").Run(); err != nil {
		t.Fatalf("aiortc is missing: apt-get install python3-aiortc (%v)", err)
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	a := &aiortc{t: t, ended: make(chan struct{})}
	command := exec.CommandContext(ctx, python, "testdata/aiortc_client.py", role, url, token)
	command.Stderr = &a.output

	stdin, err := command.StdinPipe()
	must(t, err)

	a.stdin = stdin
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())

	go func() {
		defer close(a.ended)
		defer cancel()

		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var frame decoded
			if json.Unmarshal(lines.Bytes(), &frame) == nil {
				a.mu.Lock()
				a.frames = append(a.frames, frame)
				a.mu.Unlock()
			}
		}

		a.err = command.Wait()
	}()

	t.Cleanup(a.leave)

	return a
}

// leave tells it to say goodbye, and returns when it has ended.
func (a *aiortc) leave() {
	_ = a.stdin.Close() // may be closed
	<-a.ended

	if a.err != nil {
		a.t.Errorf("aiortc: %v\n%s", a.err, a.output.Bytes())
	}
}

func (a *aiortc) decoded() []decoded {
	a.mu.Lock()
	defer a.mu.Unlock()

	return slices.Clone(a.frames)
}

// startReachable is startPod on an address that those reach who use no loopback
// interface.
func startReachable(t *testing.T) *pod {
	t.Helper()

	p := startPod(t, func(o *podOptions) { o.listen, o.unready = ":0", true })
	p.announce(wire.Address{IP: hostAddress(t), Port: uint16(p.media.Port)})
	p.eventually("ready", 5*time.Second, func() bool { return p.status("/readyz") == http.StatusOK })

	return p
}

// looks is the mean Y, U and V of the SFU's own picture of a stream.
func (p *pod) looks(student string) (yuv [3]float64, bounds image.Rectangle) {
	p.t.Helper()

	got := p.keyFrame(student, "?maxAgeMs=0")
	if got.status != http.StatusOK {
		p.t.Fatalf("key frame: %d %s", got.status, got.body)
	}

	decoded, err := jpeg.Decode(strings.NewReader(got.body))
	must(p.t, err)

	picture := decoded.(*image.YCbCr)

	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			c := picture.YCbCrAt(x, y)
			yuv[0], yuv[1], yuv[2] = yuv[0]+float64(c.Y), yuv[1]+float64(c.Cb), yuv[2]+float64(c.Cr)
		}
	}

	for i := range yuv {
		yuv[i] /= float64(picture.Rect.Dx() * picture.Rect.Dy())
	}

	return yuv, picture.Rect
}

// TestAiortcPublishes by WHIP, and its picture is what it showed.
func TestAiortcPublishes(t *testing.T) {
	p := startReachable(t)
	a := startAiortc(t, "publish", p.base+"/whip", p.grant("ada"))

	p.eventually("its media arrives", 20*time.Second, func() bool { return p.receiving("ada") })

	// Green is dark in U and V.
	if yuv, bounds := p.looks("ada"); bounds.Dx() != 320 || bounds.Dy() != 240 || yuv[1] > 100 || yuv[2] > 100 {
		t.Errorf("its picture is %v of mean YUV %v", bounds, yuv)
	}

	a.leave()
	p.eventually("it says goodbye", 5*time.Second, func() bool { return slices.Equal(p.reasons("ada"), []string{"Deleted"}) })
}

// TestAiortcViews by WHEP what others publish.
func TestAiortcViews(t *testing.T) {
	if testing.Short() {
		t.Skip("watches for 8 s, twice")
	}

	for name, publish := range map[string]func(*testing.T, *pod){
		"what pion publishes":      publishPion,
		"what GStreamer publishes": publishGStreamer,
	} {
		t.Run(name, func(t *testing.T) {
			p := startReachable(t)
			publish(t, p)
			p.eventually("media arrives", 20*time.Second, func() bool { return p.receiving("ada") })

			a := startAiortc(t, "view", p.base+"/whep/ada", p.viewGrant("eve"))

			p.eventually("8 s are decoded", 25*time.Second, func() bool {
				frames := a.decoded()

				return len(frames) > 0 && frames[len(frames)-1].At-frames[0].At > 8
			})

			want, bounds := p.looks("ada")
			checkDecoded(t, a.decoded(), want, bounds)
			a.leave()
			p.eventually("it says goodbye", 5*time.Second, func() bool {
				return p.metric(`invigil_sfu_viewers_ended_total{reason="Deleted"}`) == "1"
			})
		})
	}
}

func checkDecoded(t *testing.T, frames []decoded, want [3]float64, bounds image.Rectangle) {
	t.Helper()

	longest, last := 0.0, frames[len(frames)-1]

	for i, f := range frames[1:] {
		longest = max(longest, f.At-frames[i].At)
	}

	t.Logf("%d frames in %.1f s, the longest gap %.0f ms, mean YUV %v, the SFU's %.1f",
		len(frames), last.At-frames[0].At, longest*1000, last.YUV, want)

	if len(frames) < 80 {
		t.Errorf("%d frames in 8 s", len(frames))
	}

	if longest > 1 {
		t.Errorf("the picture stood still for %.1f s", longest)
	}

	if last.Width != bounds.Dx() || last.Height != bounds.Dy() {
		t.Errorf("the picture is %d x %d, want %v", last.Width, last.Height, bounds)
	}

	// The SFU's is a full-range JPEG of video range, and of another moment.
	for i, mean := range last.YUV {
		if math.Abs(mean-want[i]) > 24 {
			t.Errorf("mean YUV %v, want about %.1f", last.YUV, want)

			break
		}
	}
}

func publishPion(t *testing.T, p *pod) {
	t.Helper()

	e := newEndpoint(t, webrtc.Configuration{}, webrtc.NetworkTypeUDP4)
	e.show(t, newCamera(t, cameraClip))
	p.join(e, "ada", "")
}

// publishGStreamer publishes as ada, with audio, until the test ends.
func publishGStreamer(t *testing.T, p *pod) {
	t.Helper()

	var output bytes.Buffer

	command := whipclient.Command(t, p.base+"/whip", p.grant("ada"), "-o")
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, command.Start())
	t.Cleanup(func() {
		_ = whipclient.Stop(command.Process) // or it has ended
		_ = command.Wait()                   // however it ends

		if t.Failed() {
			t.Logf("whip-client: %s", output.Bytes())
		}
	})
}
