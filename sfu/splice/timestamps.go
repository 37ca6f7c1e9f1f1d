package splice

import "time"

const (
	// burstStep is how far apart the frames from a cache are on average, in ticks: 1 ms.
	burstStep = 90
	// maxPause is the longest time that outgoing timestamps move on by between
	// sources: far more than browsers' clock models remember (10 s), and far less
	// than the 6.6 h from which on a step ahead is a step back.
	maxPause = time.Hour
)

// ticks converts a time to 90 kHz (RFC 7741, section 4.1); 0 for a clock that
// went back.
func ticks(d time.Duration) uint32 {
	return uint32(min(max(d, 0), maxPause) * 9 / 100_000)
}

// timestamps maps a source's timestamps to outgoing ones, strictly increasing:
// up to joined they are scaled, from there on a constant is added. It has no
// memory of frames, so that a late packet, or one asked for again, cannot get
// another timestamp than the frame's others.
type timestamps struct {
	// first and joined are the timestamps of the first and the last of the frames
	// that the source began with.
	first, joined int64
	frames        int64
	// closest is the smallest distance between two of those frames.
	closest int64

	// out is first's outgoing timestamp, and span the outgoing distance from
	// there to joined's.
	out, span uint32
}

func (t *timestamps) begin(first int64) {
	t.first, t.joined, t.frames = first, first, 1
}

// join takes the timestamp of the next packet of those that the source begins with.
func (t *timestamps) join(timestamp int64) {
	step := timestamp - t.joined
	if step == 0 {
		return
	}

	if t.frames == 1 || step < t.closest {
		t.closest = step
	}

	t.joined = timestamp
	t.frames++
}

// scale decides on span: 1 ms for each frame, but never more than the source's,
// and so much that the closest two are a tick apart.
func (t *timestamps) scale() {
	total := t.joined - t.first
	if total == 0 {
		return
	}

	t.span = uint32(max(min((t.frames-1)*burstStep, total), (total+t.closest-1)/t.closest))
}

// outgoing maps a timestamp that is not before first.
func (t *timestamps) outgoing(timestamp int64) uint32 {
	if timestamp >= t.joined {
		return t.out + t.span + uint32(timestamp-t.joined)
	}

	return t.out + uint32((timestamp-t.first)*int64(t.span)/(t.joined-t.first))
}
