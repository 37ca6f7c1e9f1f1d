package session

import (
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// mediaInterval is the least time between two "media" messages to one page. What
// changes meanwhile is told at its end, as it is then: whoever pages through a
// wall changes their mind faster than a camera follows, and an encoder that
// follows sends a key frame each time.
const mediaInterval = 500 * time.Millisecond

// told is what a page was told about its stream on its present socket.
type told struct {
	// wanted is the last "media", said of the stream media of shard, and at when.
	shard, media string
	wanted       wire.WantedMedia
	at           time.Time
	// The stream that had to move.
	movedShard, movedMedia string
}

// direct tells a page what it should do with its stream: what to send of it,
// again for each stream, since a page begins each alike; and once that it must
// publish elsewhere. It returns when what it holds back may be told; 0: nothing
// is. It needs the lock, and may be called at any time.
func (t *Tracker) direct(e *entry) int64 {
	stream := &e.stream
	if e.conn == nil || !e.greeted || stream.Shard == "" {
		return 0
	}

	var again int64

	// A media session has its name from its shard.
	other := e.told.shard != stream.Shard || e.told.media != stream.Media

	if stream.Receiving && stream.Wanted != "" && (other || e.told.wanted != stream.Wanted) {
		now := t.now()
		if passed := now.Sub(e.told.at); passed >= mediaInterval || passed < 0 {
			e.told.shard, e.told.media, e.told.wanted, e.told.at = stream.Shard, stream.Media, stream.Wanted, now
			e.conn.Send(wire.ServerMessage{Type: "media", Media: stream.Wanted})
		} else {
			again = e.told.at.Add(mediaInterval).UnixMilli() + 1
		}
	}

	if stream.Draining && (e.told.movedShard != stream.Shard || e.told.movedMedia != stream.Media) {
		e.told.movedShard, e.told.movedMedia = stream.Shard, stream.Media
		e.conn.Send(wire.ServerMessage{Type: "move"})
	}

	return again
}
