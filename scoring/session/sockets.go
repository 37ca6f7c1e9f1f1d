package session

import (
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

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

// Attach makes conn the session's socket and sends it the welcome, and then what
// its page should send, if the SFU receives it already. An older
// socket is closed: two pages with one session id are one page and its copy, and
// the later one is in front of the student. Errors: ErrNotEnrolled, ErrReplaced,
// ErrTerminated, and ErrFinished once the time to send what is left is over, too.
func (t *Tracker) Attach(student, sid string, conn Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return ErrNotEnrolled
	}

	now := t.now().UnixMilli()

	switch end := t.end(e, now); {
	case e.control.terminated:
		return ErrTerminated
	case end != 0 && now >= end+t.config.GraceMs:
		return ErrFinished
	case e.record.SID == "":
		// Scoring has started without its store, and the token is signed.
		e.record = store.Merge(e.record, store.Record{
			Student: student, SID: sid, Generation: 1, JoinedAt: now,
		})
	case e.record.SID != sid:
		return ErrReplaced
	}

	e.close(wire.CloseSessionReplaced, "opened again")
	e.conn, e.told, e.greeted, e.left = conn, told{}, false, false
	e.lastSeen, e.heard = now, now
	t.settle(e) // The welcome carries the state; no extra message.

	score := e.score
	conn.Send(wire.ServerMessage{
		Type: "welcome", Seq: e.record.Seq, State: e.state, Score: &score, Level: e.level, Exam: t.examOf(e),
	})

	e.greeted = true
	t.settle(e)

	return nil
}

// Detach takes note that conn is gone. A socket that was replaced changes
// nothing any more.
func (t *Tracker) Detach(student string, conn Conn) { t.detach(student, conn, false) }

// Leave is Detach for a socket that its page has closed itself (close code 1000
// or 1001): then the gap that follows is the student's and not the network's.
func (t *Tracker) Leave(student string, conn Conn) { t.detach(student, conn, true) }

func (t *Tracker) detach(student string, conn Conn, left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e, ok := t.sessions[student]; ok && e.conn == conn {
		e.conn, e.left = nil, left
		t.settle(e)
	}
}

// Standing is what a report needs to know of its session.
type Standing struct {
	// Live is whether the session ever was.
	Live bool
	// Counts is whether signs count now.
	Counts bool
	// Engine is the policy with the student's accommodations.
	Engine *policy.Engine
}

// Standing of a student; ok is whether they are on the roster.
func (t *Tracker) Standing(student string) (standing Standing, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return Standing{}, false
	}

	return Standing{
		Live:   e.record.Live,
		Counts: e.control.pausedAt == 0 && !e.control.terminated,
		Engine: e.engine,
	}, true
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
