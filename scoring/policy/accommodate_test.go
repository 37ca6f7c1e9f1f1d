package policy_test

import (
	"slices"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
)

func (d dice) accommodations(rules wire.Policy) map[string]wire.Accommodation {
	given := map[string]wire.Accommodation{}

	for _, rule := range rules.Violations {
		var a wire.Accommodation

		switch d.IntN(4) {
		case 0:
			a.Disabled = true
		case 1:
			weight := d.IntN(rule.Weight + 1)
			a.Weight = &weight
		case 2:
			longer := rule.MustLastMs + d.Int64N(5_000)
			a.MustLastMs = &longer
		default:
			continue
		}

		given[rule.Type] = a
	}

	return given
}

func TestAccommodationsOnlyHelp(t *testing.T) {
	t.Parallel()

	d := roll(t)

	for range rounds {
		rules, events := d.policy(), d.events(300_000)
		engine := d.engine(rules)

		own, err := engine.For(d.accommodations(rules))
		if err != nil {
			t.Fatal(err)
		}

		if with, without := score(own, own.Count(events)), score(engine, engine.Count(events)); with > without {
			t.Fatalf("an accommodation raised the score from %d to %d", without, with)
		}
	}
}

func TestAccommodations(t *testing.T) {
	t.Parallel()

	engine := roll(t).engine(defaults())
	weight, longer, negative := 1, int64(9_000), -1

	own, err := engine.For(map[string]wire.Accommodation{
		"GazeDeviation": {Disabled: true}, "FocusLost": {Weight: &weight}, "FaceMissing": {MustLastMs: &longer},
		"NoSuchType": {Disabled: true},
	})
	if err != nil {
		t.Fatal(err)
	}

	// A page that has not heard of it yet is not told off for a disabled type.
	candidates, err := own.Check([]wire.ReportedViolation{
		{Type: "GazeDeviation", LastedMs: 60_000}, {Type: "FaceMissing", LastedMs: 8_000}, {Type: "FocusLost", LastedMs: 1_000},
	})
	if err != nil || len(candidates) != 1 || candidates[0].Type != "FocusLost" {
		t.Errorf("candidates %+v, %v", candidates, err)
	}

	// What was counted before is weighed anew.
	if got := score(own, policy.Tally{"GazeDeviation": {N: 5}, "FocusLost": {N: 3}, "FaceMissing": {N: 1}}); got != 13 {
		t.Errorf("score %d, want 13", got)
	}

	if same, _ := engine.For(nil); same != engine {
		t.Error("no accommodations made another engine")
	}

	again, _ := engine.For(map[string]wire.Accommodation{
		"FaceMissing": {MustLastMs: &longer}, "FocusLost": {Weight: &weight}, "GazeDeviation": {Disabled: true},
		"NoSuchType": {Disabled: true},
	})
	if own.Version() != again.Version() || own.Version() == engine.Version() {
		t.Errorf("versions %q, %q and %q", engine.Version(), own.Version(), again.Version())
	}

	if len(own.Policy().Violations) != 7 || len(engine.Policy().Violations) != 8 {
		t.Errorf("policies have %d and %d rules", len(own.Policy().Violations), len(engine.Policy().Violations))
	}

	if _, err := engine.For(map[string]wire.Accommodation{"FocusLost": {Weight: &negative}}); err == nil {
		t.Error("a negative weight was taken")
	}
}

func TestDismissedWeighNothing(t *testing.T) {
	t.Parallel()

	d := roll(t)

	for range rounds {
		engine, tally := d.engine(d.policy()), d.tally()
		dismissed := map[string]int{}

		for violation, count := range tally {
			dismissed[violation] = d.IntN(count.N + 2)
		}

		before := score(engine, tally)
		if after := score(engine, tally.Without(dismissed)); after > before {
			t.Fatalf("dismissing raised the score from %d to %d", before, after)
		}

		if got := score(engine, tally); got != before {
			t.Fatalf("dismissing changed the counts themselves")
		}
	}

	all := policy.Tally{"MultipleFaces": {N: 2}}
	if got := score(d.engine(defaults()), all.Without(map[string]int{"MultipleFaces": 2})); got != 0 {
		t.Errorf("everything is dismissed, and the score is %d", got)
	}
}

func TestObservationsAreTheServersOwn(t *testing.T) {
	t.Parallel()

	rules := defaults()
	engine := roll(t).engine(rules)

	if _, err := engine.Check([]wire.ReportedViolation{{Type: policy.StreamBlack, LastedMs: 60_000}}); err == nil {
		t.Error("a page reported an observation")
	}

	if got := score(engine, policy.Tally{policy.StreamLost: {N: 100}}); got != 0 {
		t.Errorf("observations score %d by default", got)
	}

	rules.Violations = append(rules.Violations, wire.ViolationRule{
		Type: policy.StreamBlack, Severity: "high", Weight: 7, TTLMs: 5_000,
	})
	engine = roll(t).engine(rules)

	if got := score(engine, policy.Tally{policy.StreamBlack: {N: 2}}); got != 14 {
		t.Errorf("observations with a rule score %d", got)
	}

	if got := engine.Observed(policy.StreamBlack); got.TTLMs != 5_000 || got.Severity != "high" {
		t.Errorf("candidate %+v", got)
	}

	if _, err := engine.Check([]wire.ReportedViolation{{Type: policy.StreamBlack}}); err == nil {
		t.Error("a page reported an observation that has a rule")
	}
}

func TestRescore(t *testing.T) {
	t.Parallel()

	before, after := defaults(), defaults()
	after.Version = "v2"
	after.Violations[5].Weight, after.Violations[5].TTLMs = 10, 60_000 // FocusLost

	subjects := []policy.Subject{
		{Student: "same", Tally: policy.Tally{"Speaking": {N: 2}}},
		{Student: "tally", Tally: policy.Tally{"FocusLost": {N: 1}}},
		{Student: "dismissed", Tally: policy.Tally{"FocusLost": {N: 1}}, Dismissed: map[string]int{"FocusLost": 1}},
		{
			Student: "accommodated", Tally: policy.Tally{"FocusLost": {N: 1}},
			Accommodations: map[string]wire.Accommodation{"FocusLost": {Disabled: true}},
		},
		{Student: "events", Events: []policy.Event{
			{Type: "FocusLost", At: 61_000, LastedMs: 2_000}, {Type: "FocusLost", At: 0, LastedMs: 2_000},
			{Type: "FocusLost", At: 30_000, LastedMs: 2_000}, {Type: "MultipleFaces", At: 0, LastedMs: 1_000},
		}},
	}

	got, err := policy.Rescore(subjects, before, after)
	want := []policy.Difference{
		{
			Student: "events",
			Before:  policy.Scored{Score: 45, Level: "suspicious", Version: "v1"},
			After:   policy.Scored{Score: 50, Level: "suspicious", Version: "v2"},
		},
		{
			Student: "tally",
			Before:  policy.Scored{Score: 5, Level: "clear", Version: "v1"},
			After:   policy.Scored{Score: 10, Level: "watch", Version: "v2"},
		},
	}

	if err != nil || !slices.Equal(got, want) {
		t.Errorf("differences %+v, %v; want %+v", got, err, want)
	}

	if none, err := policy.Rescore(subjects, before, before); err != nil || len(none) != 0 {
		t.Errorf("the same policy makes a difference: %+v, %v", none, err)
	}

	after.Violations[0].Weight = -1
	if _, err := policy.Rescore(subjects, before, after); err == nil {
		t.Error("a policy that is not valid was taken")
	}
}
