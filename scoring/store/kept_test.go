package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// anyRecord is a view that some process may have of one student.
func anyRecord(dice *rand.Rand) store.Record {
	record := store.Record{Student: "s1"}

	if dice.IntN(4) > 0 {
		record.Generation = 1 + dice.Int64N(3)
		record.SID = fmt.Sprintf("sid-%d", record.Generation)
		record.Device = "device-" + record.SID
		record.Seq, record.JoinedAt, record.Live = dice.Int64N(9), 1+dice.Int64N(5), dice.IntN(2) == 0
		record.Tally = policy.Tally{"FocusLost": {N: dice.IntN(5), LastAt: dice.Int64N(5)}}
	}

	for range dice.IntN(4) {
		if record.Actions == nil {
			record.Actions = map[string]store.Action{}
		}

		// The same id with another content is what two processes may have taken.
		record.Actions[fmt.Sprintf("id-%d", dice.IntN(4))] = store.Action{
			At: 1_700_000_000_000 + dice.Int64N(3), Kind: []string{"pause", "resume", "terminate"}[dice.IntN(3)], By: "proctor",
			Reason: []string{"", "said \"so\" <ü>"}[dice.IntN(2)],
		}
	}

	// Marks alone are of nobody, and are not written.
	for range dice.IntN(4) {
		if record.Empty() {
			break
		}

		if record.Marks == nil {
			record.Marks = map[string]int64{}
		}

		record.Marks[fmt.Sprintf("mark-%d", dice.IntN(3))] = 1 + dice.Int64N(9)
	}

	return record
}

// TestMergeOfWhatIsKept: views may meet in any order and any number of times, in
// Redis as in memory.
func TestMergeOfWhatIsKept(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))

	for range 2_000 {
		a, b, c := anyRecord(dice), anyRecord(dice), anyRecord(dice)
		before := fmt.Sprintf("%+v %+v", a, b)
		ab, ba := store.Merge(a, b), store.Merge(b, a)

		if !reflect.DeepEqual(ab, ba) {
			t.Fatalf("not commutative:\n%+v\n%+v\n%+v\n%+v", a, b, ab, ba)
		}

		if again := store.Merge(ab, b); !reflect.DeepEqual(again, ab) {
			t.Fatalf("not idempotent:\n%+v\n%+v", ab, again)
		}

		left, right := store.Merge(ab, c), store.Merge(a, store.Merge(b, c))
		if !reflect.DeepEqual(left.Actions, right.Actions) || !reflect.DeepEqual(left.Marks, right.Marks) {
			t.Fatalf("not associative:\n%+v\n%+v", left, right)
		}

		if fmt.Sprintf("%+v %+v", a, b) != before {
			t.Fatal("merging changed what was merged")
		}
	}
}

func TestBothStoresKeepTheSame(t *testing.T) {
	results := map[string][]store.Record{}

	both(t, func(t *testing.T, s store.Store) {
		dice := rand.New(rand.NewPCG(3, 4))

		for i := range 200 {
			record := anyRecord(dice)
			record.Student = fmt.Sprintf("s-%d", i%20)

			merged, err := s.Sync(t.Context(), []store.Record{record, {Student: record.Student}}, expire)
			if err != nil {
				t.Fatal(err)
			}

			if !reflect.DeepEqual(merged[0], merged[1]) {
				t.Fatalf("stored %+v, read %+v", merged[0], merged[1])
			}

			kept := merged[0]
			if !kept.Empty() {
				kept.Tally = nil
				results[t.Name()] = append(results[t.Name()], kept)
			}
		}
	})

	memory, redis := results[t.Name()+"/memory"], results[t.Name()+"/redis"]
	if len(memory) == 0 || !reflect.DeepEqual(memory, redis) {
		t.Errorf("%d records in memory, %d in redis, or they differ", len(memory), len(redis))

		for i := range min(len(memory), len(redis)) {
			if !reflect.DeepEqual(memory[i], redis[i]) {
				t.Fatalf("memory %+v\nredis  %+v", memory[i], redis[i])
			}
		}
	}
}

// TestActionBeforeTheJoin: extra time is given, or somebody is shut out, before
// the student comes; and what was given outlives joins, devices and reports.
func TestActionBeforeTheJoin(t *testing.T) {
	both(t, func(t *testing.T, s store.Store) {
		action := store.Action{At: start, Kind: "extend", By: "proctor", Minutes: 10}

		merged, err := s.Sync(t.Context(), []store.Record{
			{Student: "s1", Actions: map[string]store.Action{"x": action}},
		}, expire)
		if err != nil || merged[0].Generation != 0 || merged[0].Actions["x"] != action {
			t.Fatalf("stored %+v, %v", merged, err)
		}

		if got := report(t, s, "a", 1, start); got.Status != store.Unknown {
			t.Errorf("a report before the join: %+v", got)
		}

		first := join(t, s, "laptop", "a", start+5)
		if first.JoinedAt != start+5 || first.Generation != 1 || first.SID != "a" || first.Actions["x"] != action {
			t.Errorf("joined %+v", first)
		}

		if got := report(t, s, "a", 1, start+6, faces); got.Status != store.Counted || got.Record.Actions["x"] != action {
			t.Errorf("reported %+v", got)
		}

		if other := join(t, s, "phone", "b", start+7); other.Actions["x"] != action {
			t.Errorf("another device got %+v", other)
		}
	})
}

// TestActionSurvivesRedis: what an invigilator decided while Redis was there, or
// away, is there when Redis has returned without its data.
func TestActionSurvivesRedis(t *testing.T) {
	server := redistest.Start(t)
	f := failover(t, newRedis(t, server))
	eventually(t, "connected", f.Available)
	join(t, f, "laptop", "a", start)

	act := func(id, kind string) {
		t.Helper()

		if _, err := f.Sync(t.Context(), []store.Record{{
			Student: "s1", Actions: map[string]store.Action{id: {At: start, Kind: kind, By: "proctor"}},
		}}, expire); err != nil {
			t.Fatal(err)
		}
	}

	act("1", "pause")
	server.Kill()
	act("2", "terminate")
	server.Forget()
	server.Restart()
	eventually(t, "back", f.Available)

	if got := stored(t, server).Actions; got["1"].Kind != "pause" || got["2"].Kind != "terminate" {
		t.Errorf("stored %+v", got)
	}
}
