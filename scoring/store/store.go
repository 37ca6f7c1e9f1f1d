// Package store keeps what must survive a restart of scoring: who joined with
// which device, the last report that was counted, and the counts. Redis and
// Memory hold the same rules; Failover uses the one and falls back to the other.
//
// Every operation is atomic, one round trip, and harmless when repeated: that is
// what lets a report be sent again, be counted by two processes at once, or be
// written back after an outage without being counted twice.
package store

import (
	"context"

	"github.com/invigil/invigil/scoring/policy"
)

// Record is what is stored of one student.
type Record struct {
	Student string
	// JoinedAt is when the student first joined.
	JoinedAt int64
	// Device that has the session, and the session's id.
	Device string
	SID    string
	// Generation rises with every new session id, so that whoever sees two
	// records knows which is the later one without comparing clocks. 0: never
	// joined.
	Generation int64
	// Seq is the last report of this session id that was taken.
	Seq int64
	// Live is whether the session ever was live.
	Live bool
	// Tally outlives session ids: a second device inherits the score.
	Tally policy.Tally
	// Actions that invigilators took, by their ids, and Marks, numbers that only
	// rise. Both maps are never changed once they are in a record.
	Actions map[string]Action
	Marks   map[string]int64
}

// Join asks for a student's session on a device.
type Join struct {
	Student string
	Device  string
	// SID is used if a new session id is needed.
	SID string
	// At is now, ExpireAt when the record may go, in milliseconds.
	At       int64
	ExpireAt int64
	// Floor is a generation that is known to be taken.
	Floor int64
	// Force gives the session id SID whatever the device is: a join that was
	// already answered while the store was away. Repeated after another one has
	// replaced that id, it changes nothing.
	Force bool
}

// Report is one report of a page, already checked against the policy.
type Report struct {
	Student string
	SID     string
	Seq     int64
	// At is when the server received it.
	At         int64
	ExpireAt   int64
	Live       bool
	Violations []policy.Candidate
}

// Status says what became of a report.
type Status string

// The statuses.
const (
	// Counted: taken; Outcome.Counted says which violations counted.
	Counted Status = "counted"
	// Repeated: its seq was taken before; nothing changed.
	Repeated Status = "repeated"
	// Replaced: another device has the session; nothing changed.
	Replaced Status = "replaced"
	// Unknown: nothing is stored of the student; nothing changed.
	Unknown Status = "unknown"
)

// Outcome of a report. Record is what is stored after it.
type Outcome struct {
	Status Status
	// Counted are the types that counted, in the report's order.
	Counted []string
	Record  Record
	// Told is whether FailoverOptions.Counted has had it.
	Told bool
}

// Store keeps records.
type Store interface {
	// Join gives the device the session: the same device resumes, another one
	// gets a new session id whose reports begin at 1.
	Join(ctx context.Context, join Join) (Record, error)
	// Report takes a report once.
	Report(ctx context.Context, report Report) (Outcome, error)
	// Sync stores the merger of each record with what is stored, and returns
	// it, in order. A record with only a student reads.
	Sync(ctx context.Context, records []Record, expireAt int64) ([]Record, error)
}

// Merge joins two views of one student's record. It is commutative and
// idempotent, so views may meet in any order and any number of times.
func Merge(a, b Record) Record {
	merged, other := a, b
	if before(a, b) {
		merged, other = b, a
	}

	// A second view of one session id: the one of a process that adopted it
	// knows no generation and no device.
	if merged.SID == other.SID {
		merged.Seq = max(a.Seq, b.Seq)
		if merged.Device == "" {
			merged.Device = other.Device
		}
	}

	if merged.JoinedAt == 0 || (other.JoinedAt != 0 && other.JoinedAt < merged.JoinedAt) {
		merged.JoinedAt = other.JoinedAt
	}

	merged.Live = a.Live || b.Live
	merged.keep(&other)
	merged.Tally = merged.Tally.Clone()

	for violation, count := range other.Tally {
		if merged.Tally == nil {
			merged.Tally = policy.Tally{}
		}

		have := merged.Tally[violation]
		merged.Tally[violation] = policy.Count{N: max(have.N, count.N), LastAt: max(have.LastAt, count.LastAt)}
	}

	return merged
}

// before orders records. Equal generations of two ids come from two processes
// that both handed one out while Redis was away; any fixed choice will do.
func before(a, b Record) bool {
	if a.Generation != b.Generation {
		return a.Generation < b.Generation
	}

	return a.SID < b.SID
}
