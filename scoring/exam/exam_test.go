package exam_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/session"
)

// TestTenThousandDuplicates: a client that repeats itself 10,000 times, with new
// numbers or old ones, scores what an honest one does, and costs no more.
func TestTenThousandDuplicates(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	honest, _ := r.sit("s1")
	flood, _ := r.sit("s2")

	if err := honest.report("FocusLost", "MultipleFaces"); err != nil {
		t.Fatal(err)
	}

	many := make([]string, 0, 64)
	for range 32 {
		many = append(many, "FocusLost", "MultipleFaces")
	}

	for i := range 10_000 {
		if i%2 == 0 {
			flood.seq-- // the same number again
		}

		if err := flood.report(many...); err != nil {
			t.Fatal(err)
		}
	}

	want, got := r.state("s1"), r.state("s2")
	if got.Score != want.Score || got.Level != want.Level || !reflect.DeepEqual(got.Violations, want.Violations) {
		t.Errorf("flooded to %+v, honest is %+v", got, want)
	}

	// One acknowledgement each, two violations, the welcome.
	if flood.sent != 10_003 {
		t.Errorf("sent %d messages", flood.sent)
	}

	counts := map[string]int{}
	for _, fact := range r.facts {
		counts[fact]++
	}

	if counts["s2 violation"] != counts["s1 violation"] {
		t.Errorf("on record %v", counts)
	}
}

// TestFloodIsBounded: with the limits of a real exam hardly any of them reach the
// store at all.
func TestFloodIsBounded(t *testing.T) {
	t.Parallel()

	r := enter(t, func(r *room) { r.limits = exam.Limits{} })
	flood, _ := r.sit("s1")
	refused := 0

	for range 10_000 {
		if err := flood.report("FocusLost"); code(err) == wire.CodeRateLimited {
			refused++
		}
	}

	if r.reports != exam.DefaultLimits.ReportBurst || refused != 10_000-r.reports || r.state("s1").Score != 5 {
		t.Errorf("%d reached the store, %d refused, %+v", r.reports, refused, r.state("s1"))
	}
}

func TestPausedReportsCountNothing(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	p, _ := r.sit("s1")

	if _, err := r.Act(t.Context(), "s1", "proctor", wire.Action{ID: "p", Kind: wire.ActionPause}); err != nil {
		t.Fatal(err)
	}

	if err := p.report("MultipleFaces"); err != nil || p.last.Type != "ack" || p.last.Seq != 1 {
		t.Errorf("report: %v, last message %+v", err, p.last)
	}

	if err := p.report("NoSuchType"); code(err) != wire.CodeUnknownViolation {
		t.Errorf("an unknown type: %v", err)
	}

	if got := r.state("s1"); got.State != session.Paused || got.Score != 0 {
		t.Errorf("session %+v", got)
	}

	if _, err := r.Act(t.Context(), "s1", "proctor", wire.Action{ID: "r", Kind: wire.ActionResume}); err != nil {
		t.Fatal(err)
	}

	if err := p.report("MultipleFaces"); err != nil || r.state("s1").Score != 30 {
		t.Errorf("after the pause: %v, %+v", err, r.state("s1"))
	}
}

func TestAccommodatedStudent(t *testing.T) {
	t.Parallel()

	r := enter(t, func(r *room) {
		r.config.Students[0].Accommodations = map[string]wire.Accommodation{"FocusLost": {Disabled: true}}
		r.config.Students[0].ExtraTimeMs = 600_000
	})
	p, joined := r.sit("s1")
	other, _ := r.sit("s2")

	if len(joined.Policy.Violations) != 1 || joined.Exam.EndsAt != r.config.EndsAt+600_000 ||
		joined.ExpiresAt != r.config.EndsAt+630_000 {
		t.Errorf("joined %+v", joined)
	}

	for _, page := range []*page{p, other} {
		if err := page.report("FocusLost"); err != nil {
			t.Fatal(err)
		}
	}

	if a, b := r.state("s1"), r.state("s2"); a.Score != 0 || b.Score != 5 || a.PolicyVersion == b.PolicyVersion {
		t.Errorf("accommodated %+v, not %+v", a, b)
	}

	// Past the exam's end, which the link and the other's session were signed for.
	r.pass(time.Hour + time.Minute)

	if again, err := r.admit("s1"); err != nil || again.Token == "" {
		t.Errorf("joining again in the extra time: %v", err)
	}

	if _, err := r.admit("s2"); code(err) != wire.CodeExamFinished {
		t.Errorf("the other joins: %v", err)
	}

	r.pass(10 * time.Minute)

	if _, err := r.Authorize(t.Context(), joined.Token); code(err) != wire.CodeExamFinished || p.close != wire.CloseExamFinished {
		t.Errorf("after the extra time: %v, closed with %d", err, p.close)
	}
}

func TestBadAccommodationsChangeNothing(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	weight := -1
	bad := r.config
	bad.Students = []wire.Student{{ID: "s1", Accommodations: map[string]wire.Accommodation{"FocusLost": {Weight: &weight}}}}

	if err := r.Configure(t.Context(), bad); err == nil || len(r.Students()) != 2 {
		t.Errorf("taken: %v, %v", err, r.Students())
	}
}

// TestCoverageIsSaved: what a restart finds is what was.
func TestCoverageIsSaved(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	r.sit("s1")
	r.tracker.SetStreams(map[string]session.Stream{"s1": {Shard: "sfu-0", Receiving: true}}, nil)
	r.pass(10 * time.Second)
	r.SaveAll(t.Context())
	r.pass(5 * time.Second)
	r.restart()
	r.pass(time.Second)

	got := r.state("s1").Coverage
	if got == nil || got.ObservedMs != 10_000 || got.GapsMs["platform"] != 6_000 {
		t.Errorf("coverage %+v", got)
	}
}
