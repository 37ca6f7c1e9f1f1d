package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

func TestDismiss(t *testing.T) {
	f := start(t)
	recorded := &tape{}
	f.SetRecorder(recorded)
	f.join("a", 1)
	c := f.attach("a")

	var events []wire.FeedMessage

	f.OnEvent(func(m wire.FeedMessage) { events = append(events, m) })
	f.counted(c, 1, 1)
	f.counted(c, 2, 2)

	if got := f.session(); got.Score != 10 {
		t.Fatalf("score %d", got.Score)
	}

	dismiss := wire.Action{Kind: wire.ActionDismiss, Violation: "FocusLost", Reason: "a bird"}
	if got := f.must(dismiss); got.Number != 2 || got.Reason != "a bird" {
		t.Errorf("taken %+v", got)
	}

	if got := f.session(); got.Score != 5 || got.Violations[0].Count != 2 {
		t.Errorf("session %+v", got)
	}

	dismiss.Number = 2
	f.refused("twice", dismiss)

	dismiss.Number = 3
	f.refused("one that is not counted", dismiss)

	dismiss.Violation = "Speaking"
	f.refused("a type that is not counted", dismiss)

	dismiss = wire.Action{Kind: wire.ActionDismiss, Violation: "FocusLost", Number: 1, Reason: "another bird"}
	f.must(dismiss)

	news := f.FeedSince(0).Sessions[0]
	if news.Score != 0 || len(news.Dismissed) != 1 || news.Dismissed[0].Count != 2 {
		t.Errorf("feed %+v", news)
	}

	var told []string
	for _, event := range events {
		told = append(told, fmt.Sprint(event.Type, event.Number))
	}

	if want := []string{"violation1", "violation2", "action0", "action0"}; !slices.Equal(told, want) {
		t.Errorf("events %q, want %q", told, want)
	}

	if fact, _ := recorded.details[1].(session.ViolationFact); fact != (session.ViolationFact{
		Type: "FocusLost", Severity: "medium", Number: 1, LastedMs: 1_500, Score: 5, Level: "watch", PolicyVersion: "v1",
	}) {
		t.Errorf("recorded %+v", recorded.details)
	}
}

// TestActionsInAnyOrder: whatever the order in which a tracker learns of actions,
// the session comes to the same.
func TestActionsInAnyOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	kinds := []wire.ActionKind{wire.ActionPause, wire.ActionResume, wire.ActionExtend, wire.ActionDismiss}

	for range 100 {
		actions := map[string]store.Action{}
		for i := range dice.IntN(12) {
			actions[strconv.Itoa(i)] = store.Action{
				At: 1_700_000_000_000 + dice.Int64N(60_000), Kind: string(kinds[dice.IntN(len(kinds))]),
				Minutes: 1 + dice.IntN(3), Violation: "FocusLost", Number: 1 + dice.IntN(3),
			}
		}

		var first string

		for range 5 {
			f := start(t)
			f.Apply(store.Record{Student: "s1", SID: "a", Generation: 1})

			for id, action := range actions { // Go's order is another one each time.
				record := store.Record{Student: "s1", Actions: map[string]store.Action{id: action}}
				f.Apply(record)
				f.Apply(record)
			}

			access, _ := f.Access("s1")
			got := fmt.Sprintf("%+v %+v %+v", f.session(), access, f.FeedSince(0).Sessions[0].Dismissed)

			if first == "" {
				first = got
			}

			if got != first {
				t.Fatalf("%+v came to\n%s\nand to\n%s", actions, first, got)
			}
		}
	}
}

func TestTooManyActions(t *testing.T) {
	f := start(t)
	f.join("a", 1)

	for range 200 {
		f.must(wire.Action{Kind: wire.ActionExtend, Minutes: 1})
	}

	f.refused("one more", wire.Action{Kind: wire.ActionExtend, Minutes: 1})
	f.must(wire.Action{Kind: wire.ActionTerminate, Reason: "always possible"})
}
