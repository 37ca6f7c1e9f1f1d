package session

import (
	"container/list"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session/coverage"
	"github.com/invigil/invigil/scoring/store"
)

// Errors of Tracker.
var (
	// ErrNotEnrolled: the student is not on the roster.
	ErrNotEnrolled = errors.New("student is not on the roster")
	// ErrReplaced: another device has the session.
	ErrReplaced = errors.New("session was replaced")
	// ErrFinished: the student's time is over.
	ErrFinished = errors.New("exam is over")
	// ErrTerminated: an invigilator has ended the student's exam.
	ErrTerminated = errors.New("exam was ended by an invigilator")
)

// Tracker owns all sessions.
type Tracker struct {
	now      func() time.Time
	metrics  *metrics.Set
	epoch    string
	began    int64
	recorder Recorder

	mu       sync.Mutex
	config   wire.ExamConfig
	engine   *policy.Engine
	sessions map[string]*entry
	streams  map[string]Stream
	shards   []wire.ShardHealth
	// ready are the names of the pods that are.
	ready  map[string]bool
	stored bool
	// evidence is how the exam's does; nil: none is kept. What it points to never
	// changes.
	evidence *wire.EvidenceStatus
	agenda   agenda
	toSave   []*entry
	counts   map[string]int
	counted  bool // counts have changed

	// counter numbers what the operator is told.
	counter uint64
	woken   chan struct{} // closed when counter rises; nil while nobody waits
	feed    feed
}

// NewTracker returns a tracker without sessions; Configure brings them.
func NewTracker(now func() time.Time, set *metrics.Set) *Tracker {
	for _, cause := range coverage.Gaps() {
		set.GapSeconds.WithLabelValues(cause.String()) // A rate needs a 0 to begin from.
	}

	return &Tracker{
		now:      now,
		metrics:  set,
		epoch:    rand.Text(),
		began:    now().UnixMilli(),
		sessions: map[string]*entry{},
		streams:  map[string]Stream{},
		counts:   map[string]int{},
		counted:  true,
		feed:     feed{counter: 1, order: list.New()},
	}
}

// Configure takes a new roster, schedule and policy. Students who are no longer
// on the roster lose their socket; everybody's score follows the new policy. It
// returns the ids of those who left.
func (t *Tracker) Configure(config wire.ExamConfig, engine *policy.Engine) []string {
	t.mu.Lock()
	defer t.mu.Unlock()

	before := t.config
	first := before.Name == ""
	t.config, t.engine = config, engine

	if first || t.info(before) != t.info(config) {
		t.feed.exam = t.feedBump()
	}

	enrolled := make(map[string]bool, len(config.Students))
	for _, student := range config.Students {
		enrolled[student.ID] = true
		t.enrol(before, student, first)
	}

	var left []string

	for id, e := range t.sessions {
		if !enrolled[id] {
			left = append(left, id)

			t.remove(e)
		}
	}

	return left
}

func (t *Tracker) enrol(before wire.ExamConfig, student wire.Student, first bool) {
	e, known := t.sessions[student.ID]
	if !known {
		e = &entry{record: store.Record{Student: student.ID}, stream: t.streams[student.ID], index: -1}
		t.sessions[student.ID] = e
	}

	info := t.info(before)
	info.EndsAt = t.endWith(before, e)

	e.student, e.stale = student, true

	own, err := t.engine.For(student.Accommodations)
	if err != nil {
		own = t.engine // Configurations are checked before they come here.
	}

	e.engine = own
	e.control = fold(e.record.Actions, t.config.StartsAt)

	if now := t.infoOf(e); e.conn != nil && !first && info != now {
		t.sendExam(e)
	}

	t.settle(e)
}

func (t *Tracker) remove(e *entry) {
	id := e.student.ID

	e.close(wire.CloseNotEnrolled, "no longer on the roster")
	delete(t.sessions, id)
	t.agenda.drop(e)
	t.counts[e.state]--
	t.counted = true
	t.bump() // Readers learn it from the roster, and should look again.
	t.feedRemove(e)
}

// Apply takes what the store says of a student. It may come late: the later
// record wins, whatever the order.
func (t *Tracker) Apply(record store.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e, ok := t.sessions[record.Student]; ok {
		t.apply(e, record)
		t.settle(e)
	}
}

// Restore is Apply for a record that may be another process'. The first one of a
// session is what was before this process, and no change.
func (t *Tracker) Restore(record store.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[record.Student]
	if !ok {
		return
	}

	if !e.adopted {
		e.adopted = true
		t.restore(e, record.Marks)

		if e.record.Generation == 0 {
			e.restored = true
			t.counts[e.state]--
			e.state = "" // The next state is the first one.
		}
	}

	t.apply(e, record)
	t.settle(e)
}

// apply merges record, and closes the socket of a session id that has lost.
func (t *Tracker) apply(e *entry, record store.Record) {
	before := e.record

	if known(&before, &record) {
		e.record.Seq = max(before.Seq, record.Seq) // What nearly every report comes to.

		return
	}

	e.record = store.Merge(before, record)

	if !sameTally(before.Tally, e.record.Tally) {
		e.tallies++
		e.stale = true
	}

	if len(before.Actions) != len(e.record.Actions) || !sameActions(before.Actions, e.record.Actions) {
		e.control = fold(e.record.Actions, t.config.StartsAt)
		e.news++
		e.stale = true
	}

	if before.SID != "" && e.record.SID != before.SID {
		e.close(wire.CloseSessionReplaced, "joined on another device")
		e.page = Page{}
		t.observed(e, policy.DuplicateJoin, "another device has joined", t.now().UnixMilli())
	}
}

// known is whether record says nothing that have does not, its Seq aside.
func known(have, record *store.Record) bool {
	return have.SID == record.SID && have.Generation == record.Generation && have.Device == record.Device &&
		have.JoinedAt == record.JoinedAt && (have.Live || !record.Live) &&
		len(record.Actions) <= len(have.Actions) && sameActions(have.Actions, record.Actions) &&
		sameTally(have.Tally, record.Tally)
}

func sameTally(a, b policy.Tally) bool {
	if len(a) != len(b) {
		return false
	}

	for violation, count := range a {
		if b[violation] != count {
			return false
		}
	}

	return true
}

func sameActions(have, said map[string]store.Action) bool {
	for id, action := range said {
		if have[id] != action {
			return false
		}
	}

	return true
}

// Advance lets time pass: sessions whose time is over finish, pages are told what
// was held back from them, and what has lasted long enough is observed.
func (t *Tracker) Advance() {
	t.mu.Lock()
	defer t.mu.Unlock()

	now := t.now().UnixMilli()
	for e := t.agenda.next(now); e != nil; e = t.agenda.next(now) {
		t.settle(e)
	}

	if !t.counted {
		return
	}

	t.counted = false
	for _, state := range states {
		t.metrics.Sessions.WithLabelValues(state).Set(float64(t.counts[state]))

		if state == Live {
			t.metrics.LiveSeconds.Set(float64(t.counts[state]))
		}
	}
}

// bump needs the lock.
func (t *Tracker) bump() {
	t.counter++

	if t.woken != nil {
		close(t.woken)
		t.woken = nil
	}
}
