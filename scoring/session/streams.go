package session

import (
	"slices"

	"github.com/invigil/invigil/internal/wire"
)

// SetStreams takes the SFU's view of all students and pods.
func (t *Tracker) SetStreams(streams map[string]Stream, shards []wire.ShardHealth) {
	t.mu.Lock()
	defer t.mu.Unlock()

	turned := t.setShards(shards)
	t.streams = streams

	now := t.now().UnixMilli()

	for id, e := range t.sessions {
		// A student without an entry is a student without a stream.
		stream := streams[id]
		if stream == e.stream {
			// A gap may have another cause now.
			if turned && !stream.Receiving && e.record.Live {
				t.settle(e)
			}

			continue
		}

		if stream.Receiving && !e.stream.Receiving {
			e.heard = max(e.heard, now)
		}

		if stream.Shard != "" {
			e.pod, e.drained = stream.Shard, stream.Draining
		}

		e.stream = stream
		t.settle(e)
	}
}

// setShards says whether another set of pods is ready.
func (t *Tracker) setShards(shards []wire.ShardHealth) bool {
	if slices.Equal(t.shards, shards) {
		return false
	}

	ready := make(map[string]bool, len(shards))
	for _, shard := range shards {
		if shard.Ready {
			ready[shard.Name] = true
		}
	}

	turned := len(ready) != len(t.ready)
	for name := range ready {
		turned = turned || !t.ready[name]
	}

	t.shards, t.ready = shards, ready
	t.bump()
	t.feed.status = t.feedBump()

	return turned
}

// SetStored takes note of whether the store is in use.
func (t *Tracker) SetStored(available bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.stored != available {
		t.stored = available
		t.bump()
		t.feed.status = t.feedBump()
	}
}
