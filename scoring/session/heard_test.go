package session_test

import (
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
)

// heard sends a report without signs and says whether it was taken without the
// store.
func (f *fixture) heard(c *conn, sid string, seq int64) bool {
	f.t.Helper()
	c.take()

	taken := f.Heard("s1", sid, c, wire.ClientMessage{Seq: seq}, f.now.UnixMilli())
	sent := c.take()

	if acked := len(sent) == 1 && sent[0].Type == "ack" && sent[0].Seq == seq; acked != taken {
		f.t.Errorf("report %d: taken %t, sent %+v", seq, taken, sent)
	}

	return taken
}

func TestReportsWithoutSignsNeedTheStoreNowAndThen(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")

	if f.heard(c, "a", 1) {
		t.Error("the store has not heard of the session, and was not asked")
	}

	f.counted(c, 1, 1)

	if !f.heard(c, "a", 2) || !f.heard(c, "a", 3) {
		t.Error("the store was asked at once again")
	}

	for name, taken := range map[string]bool{
		"a repeated report":           f.heard(c, "a", 3),
		"another session's report":    f.heard(c, "b", 4),
		"a report of an older socket": f.heard(&conn{}, "a", 4),
	} {
		if taken {
			t.Errorf("%s was taken without the store", name)
		}
	}

	f.pass(30 * time.Second)

	if f.heard(c, "a", 4) {
		t.Error("the store was not asked for 30 s")
	}
}

func TestStoreIsToldThatASessionWasLive(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")
	f.counted(c, 1, 1)
	f.receive(true)
	f.want("Live", true)

	if f.heard(c, "a", 2) {
		t.Error("the store does not know that the session was live, and was not asked")
	}

	f.Reported("s1", c, wire.ClientMessage{Seq: 2}, f.now.UnixMilli(), store.Outcome{
		Status: store.Counted,
		Record: store.Record{Student: "s1", SID: "a", Generation: 1, JoinedAt: 1, Device: "a", Seq: 2, Live: true},
	})

	if !f.heard(c, "a", 3) {
		t.Error("the store was asked again")
	}
}
