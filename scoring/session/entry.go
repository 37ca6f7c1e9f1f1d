package session

import (
	"container/list"
	"maps"
	"slices"
	"strings"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session/coverage"
	"github.com/invigil/invigil/scoring/store"
)

// entry is one session. Only the tracker touches it, under its lock.
type entry struct {
	student wire.Student
	// engine is the policy with the student's accommodations.
	engine *policy.Engine
	record store.Record
	// control follows from record.Actions.
	control control

	conn Conn
	// greeted is whether conn has had its welcome.
	greeted bool
	told    told
	stream  Stream
	page    Page
	// pod is where the last stream was, drained whether that was told to leave.
	pod     string
	drained bool
	// assigned is the shard that the student was sent to.
	assigned string
	lastSeen int64
	// heard is when the page last reported, or its socket or its stream began.
	heard int64
	// left is whether the page closed its last socket itself.
	left bool
	// restored is whether it began with another process' record, returned whether
	// the student has been there since.
	restored, returned bool
	// adopted is whether stored marks are in it: what is stored from then on is its own.
	adopted bool

	state string
	// stale is whether score and level must be computed again.
	stale bool
	score int
	level string

	observations policy.Tally
	watching     watching
	ledger       coverage.Ledger

	// news counts changes of what has no field in shown, and tallies those of what
	// was counted.
	news, tallies uint64

	// What the operator was told last, and the number of that; then invigilators.
	shown, feedShown         shown
	shownSeen, feedShownSeen int64
	change, feedChange       uint64
	// element is the entry's place in the order of feedChange.
	element *list.Element

	// due and index are the agenda's.
	due   int64
	index int
	// stored is when the store last took a report, storedLive whether it knows that
	// the session was live.
	stored     int64
	storedLive bool
	// queued is whether it waits to be saved, saved when it last was.
	queued bool
	saved  int64
}

// shown is what a change in makes readers be told.
type shown struct {
	state     string
	streaming bool
	score     int
	level     string
	shard     string
	joinedAt  int64
	version   string
	tallies   uint64

	// For invigilators only.
	name   string
	endsAt int64
	news   uint64
	cause  coverage.Cause
}

// lastSeenStep is how much LastSeenAt alone must move before readers are told:
// every page reports every 2.5 s, and one reader writes to etcd.
const lastSeenStep = 30_000

func (e *entry) shard() string {
	if e.stream.Receiving {
		return e.stream.Shard
	}

	return e.assigned
}

// view is what readers see of the session.
func (e *entry) view() wire.Session {
	return wire.Session{
		Student:       e.student.ID,
		State:         e.state,
		Streaming:     e.stream.Receiving,
		Score:         e.score,
		Level:         e.level,
		Violations:    counts(e.record.Tally),
		Shard:         e.shard(),
		JoinedAt:      e.record.JoinedAt,
		LastSeenAt:    e.lastSeen,
		PolicyVersion: e.engine.Version(),
	}
}

func counts(tally policy.Tally) []wire.ViolationCount {
	counts := make([]wire.ViolationCount, 0, len(tally))
	for violation, count := range tally {
		counts = append(counts, wire.ViolationCount{Type: violation, Count: count.N, LastAt: count.LastAt})
	}

	slices.SortFunc(counts, func(a, b wire.ViolationCount) int { return strings.Compare(a.Type, b.Type) })

	return counts
}

// assess brings score and level up to date.
func (e *entry) assess() {
	if !e.stale {
		return
	}

	tally := e.record.Tally.Without(e.control.counts())
	if len(e.observations) > 0 {
		tally = tally.Clone()
		if tally == nil {
			tally = policy.Tally{}
		}

		maps.Copy(tally, e.observations)
	}

	e.score, e.level = e.engine.Score(tally)
	e.stale = false
}

// close ends the session's socket, if there is one.
func (e *entry) close(code int, reason string) {
	if e.conn == nil {
		return
	}

	conn := e.conn
	e.conn = nil
	conn.Close(code, reason)
}
