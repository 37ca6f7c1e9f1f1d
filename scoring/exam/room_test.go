package exam_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const begin = int64(1_700_000_000_000)

// room is an exam with a store in memory and a pod that is not there.
type room struct {
	*exam.Exam

	t       testing.TB
	mu      sync.Mutex
	now     int64
	ended   []shards.Resource
	reports int
	facts   []string

	config  wire.ExamConfig
	store   *store.Memory
	tracker *session.Tracker
	link    ed25519.PrivateKey
	session ed25519.PrivateKey
	limits  exam.Limits
}

func enter(t testing.TB, change func(*room)) *room {
	t.Helper()

	r := &room{t: t, now: begin, store: store.NewMemory()}
	_, r.link, _ = ed25519.GenerateKey(nil)
	_, r.session, _ = ed25519.GenerateKey(nil)
	r.limits = exam.Limits{Reports: rate.Inf, ReportBurst: 1, Requests: rate.Inf, RequestBurst: 1}
	r.config = wire.ExamConfig{
		Namespace: "demo", Name: "algebra", EndsAt: begin + 3_600_000, GraceMs: 30_000,
		Students: []wire.Student{{ID: "s1", Name: "Ada"}, {ID: "s2", Name: "Blaise"}},
		Policy: wire.Policy{
			Version: "v1", ReportIntervalMs: 2_500,
			Violations: []wire.ViolationRule{
				{Type: "MultipleFaces", Severity: "critical", Weight: 30, TTLMs: 45_000, MustLastMs: 1_000},
				{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000, MustLastMs: 1_000},
			},
			Caps: map[string]int{"medium": 30}, Levels: wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		},
	}

	if change != nil {
		change(r)
	}

	r.restart()

	return r
}

// restart makes a new process with the store of the old one.
func (r *room) restart() {
	r.t.Helper()

	set := metrics.New(prometheus.NewRegistry())
	r.tracker = session.NewTracker(r.time, set)

	var err error

	r.Exam, err = exam.New(exam.Options{
		Config: r.config, Store: counting{r.store, r}, Tracker: r.tracker, Media: r, LinkKey: r.link.Public().(ed25519.PublicKey),
		SessionKey: r.session, Now: r.time, Log: zap.NewNop(), Metrics: set, Limits: r.limits, Recorder: r,
	})
	if err != nil {
		r.t.Fatal(err)
	}

	r.t.Cleanup(r.Close)

	records, err := r.store.Sync(r.t.Context(), []store.Record{{Student: "s1"}, {Student: "s2"}}, 0)
	if err != nil {
		r.t.Fatal(err)
	}

	r.Restored(records)
}

func (r *room) time() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()

	return time.UnixMilli(r.now)
}

func (r *room) pass(d time.Duration) {
	r.mu.Lock()
	r.now += d.Milliseconds()
	r.mu.Unlock()
	r.tracker.Advance()
}

func (r *room) View() []shards.Shard               { return nil }
func (r *room) Lookup(string) (shards.Shard, bool) { return shards.Shard{}, false }
func (r *room) Resources(student string) []shards.Resource {
	return []shards.Resource{{Shard: "sfu-0", ID: student}}
}

func (r *room) End(_ context.Context, resource shards.Resource) error {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.ended = append(r.ended, resource)

	return nil
}

func (r *room) Record(student string, kind string, _ int64, _ any) {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.facts = append(r.facts, student+" "+kind)
}

// counting counts what reaches the store.
type counting struct {
	store.Store

	room *room
}

func (c counting) Report(ctx context.Context, report store.Report) (store.Outcome, error) {
	c.room.reports++

	return c.Store.Report(ctx, report)
}

// page is a student's page.
type page struct {
	exam.Caller

	room  *room
	seq   int64
	sent  int
	last  wire.ServerMessage
	close int
}

func (p *page) Send(message wire.ServerMessage)   { p.sent, p.last = p.sent+1, message }
func (p *page) Answer(message wire.ServerMessage) { p.Send(message) }

func (p *page) Acknowledge(seq int64, _ bool) { p.Send(wire.ServerMessage{Type: "ack", Seq: seq}) }

func (p *page) Close(code int, _ string) { p.close = code }

func (r *room) admit(student string) (wire.JoinResponse, error) {
	link, err := token.NewSigner(r.link, "demo/algebra", r.time).SignLink(student, time.UnixMilli(r.config.EndsAt))
	if err != nil {
		r.t.Fatal(err)
	}

	return r.Join(r.t.Context(), link, wire.JoinRequest{Device: "laptop"})
}

func (r *room) sit(student string) (*page, wire.JoinResponse) {
	r.t.Helper()

	joined, err := r.admit(student)
	if err != nil {
		r.t.Fatal(err)
	}

	caller, err := r.Authorize(r.t.Context(), joined.Token)
	if err != nil {
		r.t.Fatal(err)
	}

	p := &page{Caller: caller, room: r}
	if err := r.Attach(caller, p); err != nil {
		r.t.Fatal(err)
	}

	return p, joined
}

func (p *page) report(violations ...string) error {
	p.seq++

	message := wire.ClientMessage{Type: "report", Seq: p.seq}
	for _, violation := range violations {
		message.Violations = append(message.Violations, wire.ReportedViolation{Type: violation, LastedMs: 2_000})
	}

	return p.room.Report(p.room.t.Context(), p.Caller, p, message)
}

func (r *room) state(student string) wire.FeedSession {
	for _, s := range r.tracker.FeedSince(0).Sessions {
		if s.Student == student {
			return s
		}
	}

	return wire.FeedSession{}
}

func code(err error) wire.ErrorCode {
	if refusal := (*exam.Refusal)(nil); errors.As(err, &refusal) {
		return refusal.Code
	}

	return ""
}
