package session

import "github.com/invigil/invigil/internal/wire"

// storeStep is how long reports without signs are taken without the store, in
// milliseconds. It is how late the store learns how far they are, and how late a
// page learns that another process has let another device join.
const storeStep = 30_000

// Heard takes a report without signs and acknowledges it late, if the store need
// not be told: what it says is not kept there, and taking it again is harmless.
// Nearly all reports are such. It does nothing and returns false if the store has to be
// asked.
func (t *Tracker) Heard(student, sid string, conn Conn, message wire.ClientMessage, at int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok || e.conn != conn || e.record.SID != sid || message.Seq <= e.record.Seq ||
		at-e.stored >= storeStep || e.storedLive != e.record.Live {
		return false
	}

	e.record.Seq = message.Seq
	e.lastSeen, e.heard = max(e.lastSeen, at), max(e.heard, at)
	e.page = e.page.Merged(message.Delta)

	t.settle(e)
	conn.Acknowledge(message.Seq, true)

	return true
}
