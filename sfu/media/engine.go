// Package media is what goes through the SFU: publishers' streams, each kept
// once, and viewers' slots, each of which shows one stream at a time. A stream
// forwards its packets itself, in line with receiving them.
//
// Locks are taken in this order: the hub's, a stream's, a slot's. Packets take
// only their stream's and, in turn, those of the slots that show it.
package media

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

// Options bound what peers may use.
type Options struct {
	// MaxBitrate is what a publisher may send, all layers, in bits per second.
	MaxBitrate int
	// RingSize is what a stream keeps of its packets, in bytes.
	RingSize int
}

// DefaultOptions: 4 Mbit/s is several times what two layers need. 144 KiB are
// 3.1 s of 360 kbit/s: from one key frame to the next, as they are asked for.
func DefaultOptions() Options { return Options{MaxBitrate: 4_000_000, RingSize: 144 << 10} }

// tick is how often what is not packets is looked at: packets to ask for again,
// feedback that is due, slots that changed.
const tick = 25 * time.Millisecond

// Engine is the media plane. Its methods are safe for concurrent use.
type Engine struct {
	transport *transport.Engine
	options   Options
	hub       *hub
	counts    counts

	closing    chan struct{}
	background sync.WaitGroup
}

// Listen opens the media port on address.
func Listen(address string, options Options, logger *zap.Logger) (*Engine, error) {
	port, err := transport.Listen(address, logger)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says enough
	}

	e := &Engine{transport: port, options: options, closing: make(chan struct{})}
	e.hub = newHub(e)
	e.background.Go(e.run)

	return e, nil
}

// OnWanted has changed called after what viewers want of a publisher has changed.
// It must be called before anybody publishes.
func (e *Engine) OnWanted(changed func()) { e.hub.changed = changed }

// Addr is the local address of the media port.
func (e *Engine) Addr() net.Addr { return e.transport.Addr() }

// Close closes the media port. Connections must be closed before.
func (e *Engine) Close() error {
	close(e.closing)
	e.background.Wait()

	return e.transport.Close() //nolint:wrapcheck // it says enough
}

// run does what is due every tick, with one batch for all of it.
func (e *Engine) run() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()

	for {
		select {
		case <-e.closing:
			return
		case now := <-ticker.C:
			e.transport.Do(func(out *socket.Batch) { e.hub.tick(now, out) })
		}
	}
}

// Accept is conn.Engine's.
func (e *Engine) Accept(offer *negotiate.Offer, candidates []negotiate.Candidate) (conn.Publisher, string, error) {
	p := newPublisher(e, &offer.Videos[0])
	p.peer, p.local = e.transport.NewPeer(transport.Remote{Fingerprints: offer.Fingerprints}, p)

	answer, err := offer.Answer(negotiate.Local{
		ICE:         p.local,
		Fingerprint: e.transport.Fingerprint(),
		Candidates:  candidates,
	})
	if err != nil {
		p.peer.Close()

		return nil, "", fmt.Errorf("answer: %w", err)
	}

	e.hub.addPublisher(p)

	return p, answer, nil
}

// View answers a viewer's offer with a viewer that has a slot per video section.
// An error leaves nothing behind.
func (e *Engine) View(offer *negotiate.Offer, candidates []negotiate.Candidate) (*Viewer, string, error) {
	v := newViewer(e, offer)
	v.peer, v.local = e.transport.NewPeer(transport.Remote{Fingerprints: offer.Fingerprints}, v)

	answer, err := offer.Answer(negotiate.Local{
		ICE:         v.local,
		Fingerprint: e.transport.Fingerprint(),
		Candidates:  candidates,
		Slots:       v.describe(),
	})
	if err != nil {
		v.peer.Close()

		return nil, "", fmt.Errorf("answer: %w", err)
	}

	e.hub.addViewer(v)

	return v, answer, nil
}

// newSSRC returns a random SSRC (RFC 3550, section 8) that is none of used.
func newSSRC(used []uint32) uint32 {
	for {
		if ssrc := rand.Uint32(); ssrc != 0 && !slices.Contains(used, ssrc) {
			return ssrc
		}
	}
}

var _ conn.Engine = (*Engine)(nil)
