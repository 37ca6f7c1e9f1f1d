package session_test

import (
	"slices"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// kinds records which facts are on record.
type kinds []string

func (k *kinds) Record(_, kind string, _ int64, _ any) {
	if kind != session.RecordState {
		*k = append(*k, kind)
	}
}

// TestCountedBeforeStored: what counts and is not stored is told to walls, once,
// and nobody relies on it.
func TestCountedBeforeStored(t *testing.T) {
	var (
		told   []int
		record kinds
	)

	f := start(t)
	f.OnEvent(func(message wire.FeedMessage) { told = append(told, message.Number) })
	f.SetRecorder(&record)
	f.join("a", 1)
	c := f.attach("a")
	f.counted(c, 1, 1)
	c.take()

	outcome := store.Outcome{Status: store.Counted, Counted: []string{"FocusLost"}, Record: store.Record{
		Student: "s1", SID: "a", Generation: 1, JoinedAt: 1, Device: "a", Seq: 2,
		Tally: policy.Tally{"FocusLost": {N: 2, LastAt: f.now.UnixMilli()}},
	}}
	report := store.Report{Student: "s1", SID: "a", Seq: 2, At: f.now.UnixMilli()}
	f.Counted(report, outcome)

	if got := f.session(); got.Score != 10 || !slices.Equal(told, []int{1, 2}) {
		t.Errorf("score %d, walls were told of %d", got.Score, told)
	}

	if sent := c.take(); len(sent) > 0 || len(record) != 1 {
		t.Errorf("before it is stored the page was sent %+v, on record are %q", sent, record)
	}

	if again := f.attach("a"); again.take()[0].Seq != 1 {
		t.Error("a page is told that it need not send what is not stored")
	}

	outcome.Told = true
	c = f.attach("a")
	c.take()
	f.Reported("s1", c, wire.ClientMessage{Seq: 2}, report.At, outcome)

	if sent := types(c.take()); !slices.Equal(sent, []string{"violation", "ack"}) || len(record) != 2 ||
		!slices.Equal(told, []int{1, 2}) {
		t.Errorf("afterwards the page was sent %q, on record are %q, walls were told of %d", sent, record, told)
	}

	if again := f.attach("a"); again.take()[0].Seq != 2 {
		t.Error("a page is not told how far it is")
	}
}
