package session

import (
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
)

// Counted takes a report of which something counted and is not stored yet: walls
// are told at once. Reported follows, and until then nothing tells the page that it
// need not send the report again, nor is it evidence.
func (t *Tracker) Counted(report store.Report, outcome store.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[report.Student]
	if !ok {
		return
	}

	outcome.Record.Seq = 0 // A welcome tells how far the stored reports are.
	t.apply(e, outcome.Record)
	t.settle(e)

	for _, violation := range outcome.Counted {
		t.announce(e, e.counted(violation, report.At, &outcome))
	}
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
	e.stored, e.storedLive = at, outcome.Record.Live

	// A socket that was replaced while the store was asked: its page is not shown
	// any more. What counted has counted.
	there := e.conn == conn
	if there {
		e.lastSeen, e.heard = max(e.lastSeen, at), max(e.heard, at)
		if outcome.Status == store.Counted {
			e.page = e.page.Merged(message.Delta)
		}
	}

	t.settle(e)

	for _, violation := range outcome.Counted {
		counted := e.counted(violation, at, &outcome)
		t.record(student, RecordViolation, at, e.fact(counted, message.Violations))

		if !outcome.Told {
			t.announce(e, counted)
		}

		if there {
			score := e.score
			conn.Answer(wire.ServerMessage{Type: "violation", Score: &score, Level: e.level, Violation: counted})
		}
	}

	if there {
		conn.Acknowledge(message.Seq, false)
	}
}

// counted is a violation of those in outcome.
func (e *entry) counted(violation string, at int64, outcome *store.Outcome) *wire.CountedViolation {
	return &wire.CountedViolation{
		Type: violation, Severity: e.engine.Severity(violation), At: at, Number: outcome.Record.Tally[violation].N,
	}
}

// fact is what is on record of a violation, which the page has sent signs of.
func (e *entry) fact(counted *wire.CountedViolation, signs []wire.ReportedViolation) ViolationFact {
	fact := ViolationFact{
		Type: counted.Type, Severity: counted.Severity, Number: counted.Number,
		Score: e.score, Level: e.level, PolicyVersion: e.engine.Version(),
	}

	for _, sign := range signs {
		if sign.Type == counted.Type {
			fact.LastedMs = max(fact.LastedMs, sign.LastedMs)
		}
	}

	return fact
}

// announce tells walls of a violation.
func (t *Tracker) announce(e *entry, counted *wire.CountedViolation) {
	score := e.score
	t.tell(wire.FeedMessage{
		Type: "violation", At: counted.At, Student: e.student.ID, Violation: counted, Number: counted.Number,
		Score: &score, Level: e.level,
	})
}
