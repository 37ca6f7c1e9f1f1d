package session_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conn records what a socket would have got.
type conn struct {
	mu    sync.Mutex
	sent  []wire.ServerMessage
	close int
}

func (c *conn) Send(message wire.ServerMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.sent = append(c.sent, message)
}

func (c *conn) Close(code int, _ string) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.close == 0 {
		c.close = code
	}
}

type fixture struct {
	*session.Tracker

	t   *testing.T
	now time.Time
}

func start(t *testing.T) *fixture {
	t.Helper()

	f := &fixture{t: t, now: time.UnixMilli(1_700_000_000_000)}
	f.Tracker = session.NewTracker(func() time.Time { return f.now }, metrics.New(prometheus.NewRegistry()))
	f.configure("s1", "s2")

	return f
}

func (f *fixture) configure(students ...string) []string {
	f.t.Helper()

	config := wire.ExamConfig{
		Namespace: "demo", Name: "algebra", EndsAt: 1_700_000_600_000,
		Policy: wire.Policy{
			Version:    "v1",
			Violations: []wire.ViolationRule{{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000}},
			Levels:     wire.Levels{Watch: 5, Suspicious: 30, Critical: 60},
		},
	}
	for _, id := range students {
		config.Students = append(config.Students, wire.Student{ID: id})
	}

	engine, err := policy.New(config.Policy)
	if err != nil {
		f.t.Fatal(err)
	}

	return f.Configure(config, engine)
}

func (f *fixture) join(sid string, generation int64) {
	f.Apply(store.Record{Student: "s1", SID: sid, Generation: generation, JoinedAt: 1, Device: sid})
}

func (f *fixture) attach(sid string) *conn {
	f.t.Helper()

	c := &conn{}
	if err := f.Attach("s1", sid, c); err != nil {
		f.t.Fatal(err)
	}

	return c
}

func (f *fixture) receive(receiving bool) {
	f.SetStreams(map[string]session.Stream{"s1": {Shard: "sfu-0", Receiving: receiving}}, nil)
}

func (f *fixture) session() wire.Session {
	for _, s := range f.Since("").Sessions {
		if s.Student == "s1" {
			return s
		}
	}

	f.t.Fatal("no session")

	return wire.Session{}
}

func (f *fixture) want(state string, streaming bool) {
	f.t.Helper()

	if got := f.session(); got.State != state || got.Streaming != streaming {
		f.t.Errorf("session is %s, streaming %t; want %s, %t", got.State, got.Streaming, state, streaming)
	}
}

func TestStates(t *testing.T) {
	f := start(t)
	f.want("Enrolled", false)

	f.join("a", 1)
	f.want("Joined", false)

	c := f.attach("a")
	f.want("Joined", false)

	f.receive(true)
	f.want("Live", true)

	f.receive(false)
	f.want("Interrupted", false)

	f.receive(true)
	f.want("Live", true)

	f.Detach("s1", c)
	f.want("Interrupted", true)

	f.attach("a")
	f.want("Live", true)

	f.SetStreams(nil, nil) // the pod is gone
	f.want("Interrupted", false)

	last := f.attach("a")
	f.now = time.UnixMilli(1_700_000_600_000)
	f.Advance()
	f.want("Finished", false)

	if last.close != wire.CloseExamFinished {
		t.Errorf("socket closed with %d", last.close)
	}

	if err := f.Attach("s1", "a", &conn{}); err == nil {
		t.Error("a socket after the end")
	}
}

// TestStickyFlag is the bug that left sessions marked as streaming after the
// student had gone: false was taken for "not said".
func TestStickyFlag(t *testing.T) {
	yes, no := true, false

	page := session.Page{}.Merged(wire.PageDelta{Publishing: &yes, Visible: &yes})
	if page = page.Merged(wire.PageDelta{}); !page.Publishing || !page.Visible {
		t.Errorf("an absent field did not keep its value: %+v", page)
	}

	if page = page.Merged(wire.PageDelta{Publishing: &no}); page.Publishing || !page.Visible {
		t.Errorf("false did not mean false: %+v", page)
	}

	// The same through the tracker, and for the flag that operators see: what the
	// page claims never makes a session streaming, and the SFU's false ends it.
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")
	f.Reported("s1", c, wire.ClientMessage{Seq: 1, Delta: wire.PageDelta{Publishing: &yes}}, 1,
		store.Outcome{Status: store.Counted, Record: store.Record{Student: "s1", SID: "a", Generation: 1, Seq: 1}})
	f.want("Joined", false)
	f.receive(true)
	f.want("Live", true)
	f.receive(false)
	f.want("Interrupted", false)

	if !f.Page("s1").Publishing {
		t.Error("the page's own claim is lost")
	}
}

func TestTakeOver(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	old := f.attach("a")
	f.join("b", 2)

	if old.close != wire.CloseSessionReplaced {
		t.Errorf("old socket closed with %d", old.close)
	}

	// Late news of the old session change nothing.
	f.join("a", 1)

	if err := f.Attach("s1", "a", &conn{}); err == nil {
		t.Error("the old session came back")
	}

	fresh := f.attach("b")
	f.Detach("s1", old)
	f.receive(true)
	f.want("Live", true)

	// A copy of the page replaces the page.
	f.attach("b")

	if fresh.close != wire.CloseSessionReplaced {
		t.Errorf("copied page's socket closed with %d", fresh.close)
	}
}

func TestRosterRemoval(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")

	if left := f.configure("s2"); len(left) != 1 || left[0] != "s1" || c.close != wire.CloseNotEnrolled {
		t.Errorf("left %v, socket closed with %d", left, c.close)
	}

	if got := f.Since("").Sessions; len(got) != 1 || got[0].Student != "s2" {
		t.Errorf("sessions %+v", got)
	}
}

func TestCursor(t *testing.T) {
	f := start(t)
	all := f.Since("")

	if !all.Full || len(all.Sessions) != 2 {
		t.Fatalf("first answer %+v", all)
	}

	if again := f.Since(all.Cursor); again.Full || len(again.Sessions) != 0 || again.Cursor != all.Cursor {
		t.Errorf("without news %+v", again)
	}

	f.join("a", 1)

	news := f.Since(all.Cursor)
	if news.Full || len(news.Sessions) != 1 || news.Sessions[0].State != "Joined" {
		t.Errorf("news %+v", news)
	}

	for _, cursor := range []string{"other-1", "nonsense", all.Cursor + "x", news.Cursor + "0000"} {
		if got := f.Since(cursor); !got.Full || len(got.Sessions) != 2 {
			t.Errorf("cursor %q: %+v", cursor, got)
		}
	}
}

func TestLastSeenAloneIsNewsOnlyEvery30Seconds(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	f.Seen("s1", "sfu-0")
	cursor := f.Since("").Cursor
	told := 0

	for range 48 { // two minutes of reports
		f.now = f.now.Add(2500 * time.Millisecond)
		f.Seen("s1", "")

		if news := f.Since(cursor); len(news.Sessions) > 0 {
			told++
			cursor = news.Cursor
		}
	}

	if told != 4 {
		t.Errorf("told %d times in two minutes, want 4", told)
	}
}

func TestWait(t *testing.T) {
	f := start(t)
	cursor := f.Since("").Cursor
	answer := make(chan wire.Sessions)

	go func() { answer <- f.Wait(t.Context(), cursor, time.Minute) }()

	f.join("a", 1)

	if got := <-answer; len(got.Sessions) != 1 || got.Sessions[0].State != "Joined" {
		t.Errorf("woken with %+v", got)
	}

	cursor = f.Since("").Cursor
	go func() { answer <- f.Wait(t.Context(), cursor, time.Minute) }()
	f.SetStored(true)

	if got := <-answer; !got.StoreAvailable {
		t.Errorf("woken with %+v", got)
	}

	if got := f.Wait(t.Context(), f.Since("").Cursor, time.Millisecond); got.Full || len(got.Sessions) != 0 {
		t.Errorf("without news %+v", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Wait(ctx, f.Since("").Cursor, time.Hour)
}
