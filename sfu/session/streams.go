package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
)

// Stream is one connected publisher.
type Stream struct {
	Student        string
	Session        string
	Since          time.Time
	Receiving      bool
	Packets, Bytes uint64
	// Wanted is what viewers want of the student, Limited whether packets above the
	// bitrate bound are dropped, and Media how the rest arrives.
	Wanted  wire.WantedMedia
	Limited bool
	Media   conn.Stats
	// Sample is what the stream showed when last looked at; nil if it was not, if
	// that frame was corrupt, or if nothing is received.
	Sample *keyframe.Sample
}

// lookInterval is how often the table looks whether packets have come in. It
// spares the packets themselves a look at the clock.
const lookInterval = 250 * time.Millisecond

// Watch keeps the streams' Receiving up to date until ctx ends.
func (t *Table) Watch(ctx context.Context) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			t.look(now)
			t.EndOverdue(now)
		}
	}
}

func (t *Table) look(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()

	flipped := false

	for _, s := range t.byID {
		if s.state != Connected {
			continue
		}

		packets, _ := s.connection.Received()
		if packets != s.packets {
			s.packets, s.receivedAt = packets, now
		}

		if limited := s.connection.Stats().Limited; limited != s.limited {
			s.limited, flipped = limited, true
		}

		receiving := packets > 0 && now.Sub(s.receivedAt) < t.timing.Receiving
		if receiving != s.receiving {
			s.receiving, flipped = receiving, true
		}
	}

	if flipped {
		t.bumpLocked()
	}
}

// Touch changes the version for a change outside the table that belongs to what
// its readers tell.
func (t *Table) Touch() {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.bumpLocked()
}

func (t *Table) bumpLocked() {
	t.version++
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *Table) versionLocked() string { return fmt.Sprintf("%s.%d", t.epoch, t.version) }

// Streams returns the connected publishers, by student, and the version of that
// list. The version changes with each stream that appears, goes or whose
// Receiving flips, and is never one of another process.
func (t *Table) Streams() (version string, streams []Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()

	for _, s := range t.byID {
		if s.state != Connected {
			continue
		}

		packets, bytes := s.connection.Received()

		var sample *keyframe.Sample
		if s.receiving {
			sample = s.sample
		}

		streams = append(streams, Stream{
			Student:   s.publisher.Student,
			Session:   s.id,
			Since:     s.connectedAt,
			Receiving: s.receiving,
			Packets:   packets,
			Bytes:     bytes,
			Wanted:    s.connection.Wanted(),
			Limited:   s.limited,
			Media:     s.connection.Stats(),
			Sample:    sample,
		})
	}

	slices.SortFunc(streams, func(a, b Stream) int { return strings.Compare(a.Student, b.Student) })

	return t.versionLocked(), streams
}

// Await returns when the version is not since (any more), or when ctx ends.
func (t *Table) Await(ctx context.Context, since string) {
	for {
		t.mu.Lock()
		same := t.versionLocked() == since
		changed := t.changed
		t.mu.Unlock()

		if !same {
			return
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
