package shards

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/invigil/invigil/internal/wire"
)

// Candidates are the pods for a student that are ready and do not drain, best
// first: the one that already receives the student, then by rendezvous hashing.
// Every scoring process finds the same order without asking another, and a pod
// that comes or goes moves only the students whose best pod it is.
func Candidates(view []Shard, student string) []Shard {
	type ranked struct {
		shard Shard
		live  bool
		score uint64
	}

	var ready []ranked

	for _, shard := range view {
		if !shard.Ready || shard.Draining {
			continue
		}

		_, live := find(shard, student)
		ready = append(ready, ranked{shard: shard, live: live, score: weight(shard.Name, student)})
	}

	slices.SortFunc(ready, func(a, b ranked) int {
		if a.live != b.live {
			if a.live {
				return -1
			}

			return 1
		}

		return cmp.Compare(b.score, a.score)
	})

	shards := make([]Shard, 0, len(ready))
	for _, r := range ready {
		shards = append(shards, r.shard)
	}

	return shards
}

// weight is uniform and independent for every pair. The separator keeps pairs
// apart that are equal when joined.
func weight(shard, student string) uint64 {
	sum := sha256.Sum256([]byte(shard + "\x00" + student))

	return binary.BigEndian.Uint64(sum[:8])
}

// find is the student's stream on a shard that is received.
func find(shard Shard, student string) (wire.Stream, bool) {
	for _, stream := range shard.Streams {
		if stream.Student == student && stream.Receiving {
			return stream, true
		}
	}

	return wire.Stream{}, false
}
