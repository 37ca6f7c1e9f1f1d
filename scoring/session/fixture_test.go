package session_test

import (
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

func (c *conn) Answer(message wire.ServerMessage) { c.Send(message) }

func (c *conn) Acknowledge(seq int64, _ bool) { c.Send(wire.ServerMessage{Type: "ack", Seq: seq}) }

// take returns what was sent since it was last called.
func (c *conn) take() []wire.ServerMessage {
	c.mu.Lock()
	defer c.mu.Unlock()

	sent := c.sent
	c.sent = nil

	return sent
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

	t      *testing.T
	now    time.Time
	config wire.ExamConfig
	// registry has the metrics of the last tracker.
	registry *prometheus.Registry
}

func start(t *testing.T) *fixture {
	t.Helper()

	f := &fixture{t: t, now: time.UnixMilli(1_700_000_000_000), config: wire.ExamConfig{
		Namespace: "demo", Name: "algebra", EndsAt: 1_700_000_600_000,
		Policy: wire.Policy{
			Version:    "v1",
			Violations: []wire.ViolationRule{{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000}},
			Levels:     wire.Levels{Watch: 5, Suspicious: 30, Critical: 60},
		},
	}}
	f.Tracker = newTracker(f)
	f.configure("s1", "s2")

	return f
}

func newTracker(f *fixture) *session.Tracker {
	f.registry = prometheus.NewRegistry()

	return session.NewTracker(func() time.Time { return f.now }, metrics.New(f.registry))
}

func (f *fixture) configure(students ...string) []string {
	f.t.Helper()

	return f.configureFor(f.t, students...)
}

func (f *fixture) configureFor(t testing.TB, students ...string) []string {
	t.Helper()

	config := f.config
	if len(students) > 0 {
		config.Students = nil
	}

	for _, id := range students {
		config.Students = append(config.Students, wire.Student{ID: id})
	}

	engine, err := policy.New(config.Policy)
	if err != nil {
		t.Fatal(err)
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
