package media

import (
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/negotiate"
)

// State is conn.Publisher's, as are the next ones.
func (p *Publisher) State() conn.State { return p.peer.State() }

// Changed receives after State has changed.
func (p *Publisher) Changed() <-chan struct{} { return p.peer.Changed() }

// Restart gives it new ICE credentials.
func (p *Publisher) Restart() negotiate.ICE { return p.peer.Restart() }

// Received counts the media packets.
func (p *Publisher) Received() (packets, bytes uint64) { return p.packets.Load(), p.bytes.Load() }

// RequestKeyFrame asks for a key frame of the best layer that is sent.
func (p *Publisher) RequestKeyFrame() { p.request(wire.LayerHigh) }

// RefreshKeyFrame asks for one of the cheapest layer that is sent. A larger one
// is asked when somebody wants it: each costs a browser's encoder a stutter.
func (p *Publisher) RefreshKeyFrame() { p.request(wire.LayerLow) }

func (p *Publisher) request(layer wire.Layer) {
	if s := p.layer(layer, time.Now()); s != nil {
		s.wantKeyFrame()
	}
}

// KeyFrame returns the last key frame, of the larger layer if there are two.
func (p *Publisher) KeyFrame() (frame *keyframe.Frame, next <-chan struct{}) {
	return p.keyFrames.Get()
}

// Wanted is what viewers want of the publisher.
func (p *Publisher) Wanted() wire.WantedMedia {
	return p.wanted.Load().(wire.WantedMedia) //nolint:forcetypeassert // nothing else is stored
}

// Publish makes the media viewable under the student's name.
func (p *Publisher) Publish(student string) { p.engine.hub.publish(student, p) }

// Unpublish ends that.
func (p *Publisher) Unpublish(reason string) {
	p.engine.hub.unpublish(p, wire.SlotReason(reason))
}

// Close ends the connection.
func (p *Publisher) Close() {
	p.engine.hub.removePublisher(p)
	p.peer.Close()
}

// Stats is how the media arrives.
func (p *Publisher) Stats() conn.Stats {
	now := time.Now()

	p.mu.Lock()
	stats := conn.Stats{Limited: !p.limitedAt.IsZero() && now.Sub(p.limitedAt) < limitedFor}
	p.mu.Unlock()

	stats.RTT = p.rtt()

	for _, s := range p.layers {
		s.mu.Lock()
		stats.Layers = append(stats.Layers, conn.Layer{
			RID: s.rid, Width: s.width, Height: s.height, Packets: s.packets, Bytes: s.bytes,
			Lost: s.log.Lost(), FractionLost: s.log.FractionLost(), Jitter: s.log.Jitter(),
			Active: s.isActive(now),
		})
		s.mu.Unlock()
	}

	return stats
}

// limit counts a packet above the bitrate bound.
func (p *Publisher) limit(now time.Time) {
	p.engine.counts.drop(dropBitrate)

	p.mu.Lock()
	defer p.mu.Unlock()

	p.limitedAt = now
}

var _ conn.Publisher = (*Publisher)(nil)
