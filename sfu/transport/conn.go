package transport

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
)

// receiveMTU is more than any packet that fits through the internet.
const receiveMTU = 1500

// peerConn is a publisher's PeerConnection.
type peerConn struct {
	peer    *webrtc.PeerConnection
	changed chan struct{}

	packets, bytes atomic.Uint64
	ssrc           atomic.Uint32
	keyFrames      keyframe.Latest

	// readers counts the goroutines that read tracks; closed keeps it from
	// growing once Close waits for them.
	mu      sync.Mutex
	closed  bool
	readers sync.WaitGroup
}

func newConn(peer *webrtc.PeerConnection) *peerConn {
	c := &peerConn{peer: peer, changed: make(chan struct{}, 1)}
	// pion calls handlers from goroutines of their own, in no certain order:
	// they tell that something has changed, and State asks what it is.
	peer.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	})
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		c.mu.Lock()
		defer c.mu.Unlock()

		if !c.closed {
			c.readers.Go(func() { c.read(track) })
		}
	})

	return c
}

// read counts a track's packets and keeps its key frames until it ends. What it
// reads goes nowhere else yet.
func (c *peerConn) read(track *webrtc.TrackRemote) {
	c.ssrc.Store(uint32(track.SSRC()))
	c.RequestKeyFrame()

	var assembler keyframe.Assembler

	buffer := make([]byte, receiveMTU)

	for {
		n, _, err := track.Read(buffer)

		switch {
		case err == nil:
			c.packets.Add(1)
			c.bytes.Add(uint64(n))

			if frame := assembler.Push(buffer[:n]); frame != nil {
				c.keyFrames.Put(&keyframe.Frame{Data: frame, At: time.Now()})
			}
		case errors.Is(err, io.ErrShortBuffer):
			// A packet that no browser sends; the next one may be fine.
		default:
			return
		}
	}
}

// State is conn.Conn's.
func (c *peerConn) State() conn.State {
	switch c.peer.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		return conn.Connected
	case webrtc.PeerConnectionStateDisconnected:
		return conn.Silent
	case webrtc.PeerConnectionStateFailed:
		if c.peer.ICEConnectionState() == webrtc.ICEConnectionStateFailed {
			return conn.Failed
		}

		return conn.Ended
	case webrtc.PeerConnectionStateClosed:
		return conn.Ended
	default:
		return conn.Connecting
	}
}

// Changed is conn.Conn's.
func (c *peerConn) Changed() <-chan struct{} { return c.changed }

// Received is conn.Conn's.
func (c *peerConn) Received() (packets, bytes uint64) { return c.packets.Load(), c.bytes.Load() }

// RequestKeyFrame is conn.Conn's.
func (c *peerConn) RequestKeyFrame() {
	if ssrc := c.ssrc.Load(); ssrc != 0 {
		// Lost requests are repeated, and a closed connection needs none.
		_ = c.peer.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
	}
}

// KeyFrame is conn.Conn's.
func (c *peerConn) KeyFrame() (frame *keyframe.Frame, next <-chan struct{}) { return c.keyFrames.Get() }

// Close is conn.Conn's.
func (c *peerConn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()

	// Graceful: returns once pion's goroutines are gone, not just told to go.
	err := c.peer.GracefulClose()

	c.readers.Wait()

	if err != nil {
		return fmt.Errorf("close peer connection: %w", err)
	}

	return nil
}

// closeAfter closes what err has made useless, and returns all that went wrong.
func closeAfter(c io.Closer, err error) error { return errors.Join(err, c.Close()) }

var _ conn.Conn = (*peerConn)(nil)
