package session

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// Errors of Tracker.
var (
	// ErrNotEnrolled: the student is not on the roster.
	ErrNotEnrolled = errors.New("student is not on the roster")
	// ErrReplaced: another device has the session.
	ErrReplaced = errors.New("session was replaced")
	// ErrFinished: the exam is over.
	ErrFinished = errors.New("exam is over")
)

// Tracker owns all sessions.
type Tracker struct {
	now     func() time.Time
	metrics *metrics.Set
	epoch   string

	mu       sync.Mutex
	config   wire.ExamConfig
	engine   *policy.Engine
	sessions map[string]*entry
	streams  map[string]Stream
	shards   []wire.ShardHealth
	stored   bool
	finished bool
	counter  uint64
	// woken is closed and replaced whenever counter rises.
	woken chan struct{}
}

// NewTracker returns a tracker without sessions; Configure brings them.
func NewTracker(now func() time.Time, set *metrics.Set) *Tracker {
	return &Tracker{
		now:      now,
		metrics:  set,
		epoch:    rand.Text(),
		sessions: map[string]*entry{},
		streams:  map[string]Stream{},
		woken:    make(chan struct{}),
	}
}

// Configure takes a new roster, schedule and policy. Students who are no longer
// on the roster lose their socket; everybody's score follows the new policy. It
// returns the ids of those who left.
func (t *Tracker) Configure(config wire.ExamConfig, engine *policy.Engine) []string {
	t.mu.Lock()
	defer t.mu.Unlock()

	told := t.config.Name == "" || t.info(t.config) == t.info(config)
	t.config, t.engine = config, engine
	t.finished = t.over()

	enrolled := make(map[string]bool, len(config.Students))
	for _, student := range config.Students {
		enrolled[student.ID] = true

		e, known := t.sessions[student.ID]
		if !known {
			e = &entry{record: store.Record{Student: student.ID}, stream: t.streams[student.ID]}
			t.sessions[student.ID] = e
		}

		e.student = student
	}

	var left []string

	for id, e := range t.sessions {
		if !enrolled[id] {
			left = append(left, id)

			e.close(wire.CloseNotEnrolled, "no longer on the roster")
			delete(t.sessions, id)
			t.bump() // Readers learn it from the roster, and should look again.

			continue
		}

		if e.conn != nil && !told {
			e.conn.Send(wire.ServerMessage{Type: "exam", Exam: t.examInfo()})
		}

		t.settle(e)
	}

	return left
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

// apply merges record, and closes the socket of a session id that has lost.
func (t *Tracker) apply(e *entry, record store.Record) {
	before := e.record.SID
	e.record = store.Merge(e.record, record)

	if before != "" && e.record.SID != before {
		e.close(wire.CloseSessionReplaced, "joined on another device")
		e.page = Page{}
	}
}

// Seen notes that a student was there just now, and where they were sent.
func (t *Tracker) Seen(student, shard string) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return
	}

	e.lastSeen = t.now().UnixMilli()
	if shard != "" {
		e.assigned = shard
	}

	t.settle(e)
}

// Current is the session id that a student has now; "" if none is known. ok is
// whether the student is on the roster.
func (t *Tracker) Current(student string) (sid string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return "", false
	}

	return e.record.SID, true
}

// Attach makes conn the session's socket and sends it the welcome. An older
// socket is closed: two pages with one session id are one page and its copy, and
// the later one is in front of the student. Errors: ErrNotEnrolled, ErrReplaced,
// ErrFinished.
func (t *Tracker) Attach(student, sid string, conn Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]

	switch {
	case !ok:
		return ErrNotEnrolled
	case t.finished:
		return ErrFinished
	case e.record.SID == "":
		// Scoring has started without its store, and the token is signed.
		e.record = store.Merge(e.record, store.Record{
			Student: student, SID: sid, Generation: 1, JoinedAt: t.now().UnixMilli(),
		})
	case e.record.SID != sid:
		return ErrReplaced
	}

	e.close(wire.CloseSessionReplaced, "opened again")
	e.conn = conn
	e.lastSeen = t.now().UnixMilli()
	e.state = e.next(t.finished) // The welcome carries it; no extra message.
	e.score, e.level = t.engine.Score(e.record.Tally)
	score := e.score
	conn.Send(wire.ServerMessage{
		Type: "welcome", Seq: e.record.Seq, State: e.state, Score: &score, Level: e.level, Exam: t.examInfo(),
	})
	t.settle(e)

	return nil
}

// Detach takes note that conn is gone. A socket that was replaced changes
// nothing any more.
func (t *Tracker) Detach(student string, conn Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e, ok := t.sessions[student]; ok && e.conn == conn {
		e.conn = nil
		t.settle(e)
	}
}

// WasLive is whether the session ever was live.
func (t *Tracker) WasLive(student string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]

	return ok && e.record.Live
}

// Page is what the student's page last said of itself.
func (t *Tracker) Page(student string) Page {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e, ok := t.sessions[student]; ok {
		return e.page
	}

	return Page{}
}

// Reported takes a report that the store has answered, and sends conn the
// violations that counted, then the acknowledgement: a page that has the
// acknowledgement has everything.
func (t *Tracker) Reported(student string, conn Conn, message wire.ClientMessage, at int64, outcome store.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return
	}

	t.apply(e, outcome.Record)

	if e.conn != conn {
		return // Replaced while the store was asked: its page is not shown any more.
	}

	e.lastSeen = max(e.lastSeen, at)
	if outcome.Status == store.Counted {
		e.page = e.page.Merged(message.Delta)
	}

	t.settle(e)

	score := e.score
	for _, violation := range outcome.Counted {
		conn.Send(wire.ServerMessage{
			Type: "violation", Score: &score, Level: e.level,
			Violation: &wire.CountedViolation{Type: violation, Severity: t.engine.Severity(violation), At: at},
		})
	}

	conn.Send(wire.ServerMessage{Type: "ack", Seq: message.Seq})
}

// SetStreams takes the SFU's view of all students and pods.
func (t *Tracker) SetStreams(streams map[string]Stream, shards []wire.ShardHealth) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.streams = streams
	for id, e := range t.sessions {
		// A student without an entry is a student without a stream.
		if stream := streams[id]; stream != e.stream {
			e.stream = stream
			t.settle(e)
		}
	}

	t.shards = shards
	t.bump()
}

// SetStored takes note of whether the store is in use.
func (t *Tracker) SetStored(available bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.stored != available {
		t.stored = available
		t.bump()
	}
}

// Advance applies the schedule: at the end of the exam every session finishes
// and every socket is closed.
func (t *Tracker) Advance() {
	t.mu.Lock()
	defer t.mu.Unlock()

	if over := t.over(); over != t.finished {
		t.finished = over
		for _, e := range t.sessions {
			t.settle(e)
		}
	}

	counts := map[string]int{Enrolled: 0, Joined: 0, Live: 0, Interrupted: 0, Finished: 0}
	for _, e := range t.sessions {
		counts[e.state]++
	}

	for state, count := range counts {
		t.metrics.Sessions.WithLabelValues(state).Set(float64(count))
	}
}

// CloseAll closes every socket.
func (t *Tracker) CloseAll(code int, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()

	for _, e := range t.sessions {
		if e.conn != nil {
			e.close(code, reason)
			t.settle(e)
		}
	}
}

func (t *Tracker) over() bool {
	return t.config.EndsAt != 0 && t.now().UnixMilli() >= t.config.EndsAt
}

// settle brings a session to what the facts make of it, tells its page, and
// gives the change a number if readers must know. It needs the lock.
func (t *Tracker) settle(e *entry) {
	state := e.next(t.finished)
	if state == Live {
		e.record.Live = true
	}

	e.score, e.level = t.engine.Score(e.record.Tally)

	if state != e.state {
		e.state = state
		if e.conn != nil {
			e.conn.Send(wire.ServerMessage{Type: "state", State: state})
		}
	}

	if state == Finished {
		e.close(wire.CloseExamFinished, "the exam is over")
	}

	view := e.view(t.engine.Version())
	if differs(e.published, view) {
		t.bump()
		e.published, e.change = view, t.counter
	}
}

// bump needs the lock.
func (t *Tracker) bump() {
	t.counter++
	close(t.woken)
	t.woken = make(chan struct{})
}

func (t *Tracker) examInfo() *wire.ExamInfo {
	info := t.info(t.config)
	info.Now = t.now().UnixMilli()

	return &info
}

// info is what a page shows of config, without the time.
func (t *Tracker) info(config wire.ExamConfig) wire.ExamInfo {
	return wire.ExamInfo{
		Namespace: config.Namespace, Name: config.Name, Title: config.Title, ContentURL: config.ContentURL,
		OpensAt: config.OpensAt, StartsAt: config.StartsAt, EndsAt: config.EndsAt,
	}
}
