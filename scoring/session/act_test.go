package session_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// tape records what would go on record.
type tape struct {
	kinds   []string
	details []any
}

func (r *tape) Record(student string, kind string, _ int64, detail any) {
	if student != "s1" {
		return
	}

	r.kinds, r.details = append(r.kinds, kind), append(r.details, detail)
}

// act takes an action as the exam does: considered, stored, acted.
func (f *fixture) act(action wire.Action) (wire.TakenAction, error) {
	f.t.Helper()

	if action.ID == "" {
		action.ID = fmt.Sprintf("id-%d", f.now.UnixNano())
	}

	considered, err := f.Consider("s1", "proctor", action)
	if err != nil || considered.Repeated {
		return considered.Taken, err
	}

	taken := considered.Taken
	f.Acted(taken, store.Record{
		Student: "s1", Actions: map[string]store.Action{taken.ID: session.Stored(taken)},
	})
	f.now = f.now.Add(time.Millisecond)

	return taken, nil
}

func (f *fixture) must(action wire.Action) wire.TakenAction {
	f.t.Helper()

	taken, err := f.act(action)
	if err != nil {
		f.t.Fatalf("%s: %v", action.Kind, err)
	}

	return taken
}

func (f *fixture) refused(why string, action wire.Action) {
	f.t.Helper()

	_, err := f.act(action)
	if conflict := (*session.ConflictError)(nil); !errors.As(err, &conflict) {
		f.t.Errorf("%s: %v, want a conflict", why, err)
	}
}

func (f *fixture) pass(d time.Duration) {
	f.now = f.now.Add(d)
	f.Advance()
}

// counted reports a violation as the store would have counted it.
func (f *fixture) counted(c *conn, seq int64, n int) {
	f.Reported("s1", c, wire.ClientMessage{
		Seq: seq, Violations: []wire.ReportedViolation{{Type: "FocusLost", LastedMs: 1_500}},
	}, f.now.UnixMilli(), store.Outcome{
		Status: store.Counted, Counted: []string{"FocusLost"},
		Record: store.Record{
			Student: "s1", SID: "a", Generation: 1, JoinedAt: 1, Device: "a", Seq: seq,
			Tally: policy.Tally{"FocusLost": {N: n, LastAt: f.now.UnixMilli()}},
		},
	})
}

func types(messages []wire.ServerMessage) []string {
	var names []string

	for _, message := range messages {
		name := message.Type
		if name == "state" {
			name += message.State
		}

		names = append(names, name)
	}

	return names
}

func TestPauseAndResume(t *testing.T) {
	f := start(t)
	f.refused("resume before the join", wire.Action{Kind: wire.ActionResume})
	f.refused("pause before the join", wire.Action{Kind: wire.ActionPause})
	f.join("a", 1)
	c := f.attach("a")
	f.receive(true)
	f.refused("resume without a pause", wire.Action{Kind: wire.ActionResume})
	c.take()

	f.must(wire.Action{Kind: wire.ActionPause})
	f.want("Paused", true)
	f.refused("a second pause", wire.Action{Kind: wire.ActionPause})

	if standing, _ := f.Standing("s1"); standing.Counts {
		t.Error("signs count during a pause")
	}

	f.receive(false)
	f.want("Paused", false)
	f.receive(true)

	// The end passes, and the student's does not.
	f.pass(20 * time.Minute)
	f.want("Paused", true)

	f.must(wire.Action{Kind: wire.ActionResume})
	f.want("Live", true)

	if got := types(c.take()); !slices.Equal(got, []string{"statePaused", "stateLive", "exam"}) {
		t.Errorf("page was told %q", got)
	}

	access, _ := f.Access("s1")
	if want := int64(1_700_000_600_000 + 20*60_000 + 1); access.EndsAt != want {
		t.Errorf("ends at %d, want %d", access.EndsAt, want)
	}

	f.pass(10 * time.Minute)
	f.want("Finished", true)
	f.refused("after the end", wire.Action{Kind: wire.ActionExtend, Minutes: 5})

	if c.close != wire.CloseExamFinished {
		t.Errorf("closed with %d", c.close)
	}
}

func TestPauseBeforeTheStartMovesNothing(t *testing.T) {
	f := start(t)
	f.config.StartsAt = f.now.Add(time.Minute).UnixMilli()
	f.configure("s1")
	f.join("a", 1)
	f.must(wire.Action{Kind: wire.ActionPause})
	f.pass(90 * time.Second)
	f.must(wire.Action{Kind: wire.ActionResume})

	if access, _ := f.Access("s1"); access.EndsAt != 1_700_000_600_000+30_001 {
		t.Errorf("moved by %d ms, want half a minute", access.EndsAt-1_700_000_600_000)
	}
}

func TestOwnEndAndGrace(t *testing.T) {
	f := start(t)
	f.config.GraceMs = 30_000
	f.config.Students = []wire.Student{{ID: "s1", ExtraTimeMs: 60_000}, {ID: "s2"}}
	f.configure()
	f.join("a", 1)
	f.Apply(store.Record{Student: "s2", SID: "b", Generation: 1, Device: "b"})

	c := f.attach("a")
	if got := c.take(); got[0].Exam.EndsAt != 1_700_000_660_000 {
		t.Errorf("welcome says the end is %d", got[0].Exam.EndsAt)
	}

	f.must(wire.Action{Kind: wire.ActionExtend, Minutes: 1})

	if got := c.take(); len(got) != 1 || got[0].Type != "exam" || got[0].Exam.EndsAt != 1_700_000_720_000 {
		t.Errorf("told %+v", got)
	}

	f.now = time.UnixMilli(1_700_000_600_000)
	f.Advance()
	f.want("Joined", false)

	for _, s := range f.Since("").Sessions {
		if s.Student == "s2" && s.State != "Finished" {
			t.Errorf("s2 is %s at the exam's end", s.State)
		}
	}

	f.pass(2 * time.Minute)
	f.want("Finished", false)

	access, _ := f.Access("s1")
	if c.close != 0 || !access.Over || access.Closed {
		t.Errorf("closed with %d within the grace, access %+v", c.close, access)
	}

	// A page without net at the end comes back to send what it has.
	c = f.attach("a")
	if got := c.take(); got[0].State != "Finished" {
		t.Errorf("welcome within the grace %+v", got[0])
	}

	f.pass(30 * time.Second)

	if access, _ := f.Access("s1"); c.close != wire.CloseExamFinished || !access.Closed {
		t.Errorf("closed with %d after the grace, access %+v", c.close, access)
	}

	if err := f.Attach("s1", "a", &conn{}); !errors.Is(err, session.ErrFinished) {
		t.Errorf("a socket after the grace: %v", err)
	}
}

func TestTerminate(t *testing.T) {
	f := start(t)
	recorded := &tape{}
	f.SetRecorder(recorded)
	f.join("a", 1)
	c := f.attach("a")
	f.receive(true)
	c.take()

	action := wire.Action{ID: "t1", Kind: wire.ActionTerminate, Text: "Please hand in.", Reason: "agreed"}
	taken := f.must(action)
	f.want("Terminated", true)

	if got := types(c.take()); !slices.Equal(got, []string{"message", "stateTerminated"}) || c.close != wire.CloseTerminated {
		t.Errorf("page was told %q and closed with %d", got, c.close)
	}

	if again := f.must(action); !reflect.DeepEqual(again, taken) {
		t.Errorf("repeated: %+v, want %+v", again, taken)
	}

	f.refused("after it", wire.Action{Kind: wire.ActionDismiss, Violation: "FocusLost", Reason: "no"})
	f.pass(time.Hour)
	f.want("Terminated", true)

	if err := f.Attach("s1", "a", &conn{}); !errors.Is(err, session.ErrTerminated) {
		t.Errorf("attached: %v", err)
	}

	if want := []string{"state", "state", "action", "state"}; !slices.Equal(recorded.kinds, want) {
		t.Errorf("on record %q, want %q", recorded.kinds, want)
	}

	last, _ := recorded.details[3].(session.StateFact)
	if last != (session.StateFact{From: "Live", To: "Terminated", Why: "action", Since: taken.At}) {
		t.Errorf("recorded %+v", last)
	}

	// Another process reads what was stored.
	next := start(t)
	next.Restore(store.Record{
		Student: "s1", SID: "a", Generation: 1, Actions: map[string]store.Action{"t1": session.Stored(taken)},
	})
	next.want("Terminated", false)
}

func TestMessagesNeedAPage(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	f.refused("nobody reads it", wire.Action{Kind: wire.ActionMessage, Text: "hello"})

	c := f.attach("a")
	c.take()
	f.must(wire.Action{Kind: wire.ActionWarn, Text: "Look here."})

	if got := c.take(); len(got) != 1 || got[0].Text != "Look here." || !got[0].Warning {
		t.Errorf("told %+v", got)
	}

	if _, err := f.Consider("nobody", "proctor", wire.Action{ID: "x", Kind: wire.ActionPause}); !errors.Is(err,
		session.ErrNotEnrolled) {
		t.Errorf("somebody else: %v", err)
	}
}
