package media

import "time"

// bucketDepth is over how long a publisher's bitrate counts: key frames come in
// bursts.
const bucketDepth = 2 * time.Second

// limitedFor is how long a publisher counts as limited after a drop.
const limitedFor = 2 * time.Second

// bucket bounds a publisher's bitrate. It belongs to the peer's reading
// goroutine, like everything that a packet passes before its stream.
type bucket struct {
	rate, depth float64 // bytes per second, bytes
	level       float64
	at          time.Time
}

func newBucket(bitrate int) bucket {
	rate := float64(bitrate) / 8
	depth := rate * bucketDepth.Seconds()

	return bucket{rate: rate, depth: depth, level: depth}
}

// take tells whether n bytes more are within the bound.
func (b *bucket) take(n int, now time.Time) bool {
	b.level = min(b.depth, b.level+now.Sub(b.at).Seconds()*b.rate)
	b.at = now

	if b.level < float64(n) {
		return false
	}

	b.level -= float64(n)

	return true
}
