package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
)

const shortestTTL = 15_000

// dice make policies, events and accommodations. The seed is fixed: a failure
// comes again.
type dice struct {
	*rand.Rand

	t *testing.T
}

func roll(t *testing.T) dice {
	t.Helper()

	return dice{rand.New(rand.NewPCG(1, 2)), t}
}

func (d dice) policy() wire.Policy {
	rules := defaults()
	for i := range rules.Violations {
		rule := &rules.Violations[i]
		rule.Weight, rule.TTLMs, rule.MustLastMs = d.IntN(101), d.Int64N(60_000), d.Int64N(5_000)
		rule.Severity = []string{"low", "medium", "high", "critical"}[d.IntN(4)]
	}

	for severity := range rules.Caps {
		rules.Caps[severity] = d.IntN(101)
	}

	return rules
}

func (d dice) engine(rules wire.Policy) *policy.Engine {
	d.t.Helper()

	engine, err := policy.New(rules)
	if err != nil {
		d.t.Fatal(err)
	}

	return engine
}

func (d dice) events(span int64) []policy.Event {
	kinds := defaults().Violations
	events := make([]policy.Event, d.IntN(60))

	for i := range events {
		events[i] = policy.Event{
			Type: kinds[d.IntN(len(kinds))].Type, At: d.Int64N(span), LastedMs: d.Int64N(10_000),
		}
	}

	return events
}

func (d dice) tally() policy.Tally {
	tally := policy.Tally{}

	for _, rule := range defaults().Violations {
		if d.IntN(2) == 0 {
			tally[rule.Type] = policy.Count{N: d.IntN(1 << d.IntN(40))}
		}
	}

	return tally
}

func score(engine *policy.Engine, tally policy.Tally) int {
	total, _ := engine.Score(tally)

	return total
}

const rounds = 2_000

func TestScoreIsBounded(t *testing.T) {
	t.Parallel()

	d := roll(t)

	for range rounds {
		rules, tally := d.policy(), d.tally()
		engine := d.engine(rules)

		sums := map[string]policy.Tally{}
		for _, rule := range rules.Violations {
			if sums[rule.Severity] == nil {
				sums[rule.Severity] = policy.Tally{}
			}

			sums[rule.Severity][rule.Type] = tally[rule.Type]
		}

		limit := 0
		for severity, part := range sums {
			if got := score(engine, part); got < 0 || got > rules.Caps[severity] {
				t.Fatalf("%s alone scores %d, its cap is %d", severity, got, rules.Caps[severity])
			}

			limit += rules.Caps[severity]
		}

		if got := score(engine, tally); got < 0 || got > min(limit, policy.MaxScore) {
			t.Fatalf("score %d, at most %d possible", got, limit)
		}
	}
}

func TestScoreRisesWithEvents(t *testing.T) {
	t.Parallel()

	d := roll(t)

	for range rounds {
		engine, events := d.engine(d.policy()), d.events(300_000)
		more := append(slices.Clone(events), d.events(300_000)...)

		if before, after := score(engine, engine.Count(events)), score(engine, engine.Count(more)); after < before {
			t.Fatalf("more events lowered the score from %d to %d", before, after)
		}
	}
}

// TestOrderInsideTTLDoesNotMatter: reports overtake each other.
func TestOrderInsideTTLDoesNotMatter(t *testing.T) {
	t.Parallel()

	d := roll(t)
	engine := d.engine(defaults())

	for range rounds {
		events := d.events(shortestTTL)
		want := engine.Count(events)

		// The same signs, each at another's time.
		times := make([]int64, len(events))
		for i := range events {
			times[i] = events[i].At
		}

		d.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })

		for i := range events {
			events[i].At = times[i]
		}

		got := engine.Count(events)
		if len(got) != len(want) || score(engine, got) != score(engine, want) {
			t.Fatalf("in another order %v, want %v", got, want)
		}

		for violation, count := range got {
			if count.N != 1 || want[violation].N != 1 {
				t.Fatalf("%s was counted %d and %d times within its TTL", violation, count.N, want[violation].N)
			}
		}
	}
}

// TestSmallSignsNeverWeighLikeAGraveOne is the promise to students: looking away
// twice is not somebody else in the chair.
func TestSmallSignsNeverWeighLikeAGraveOne(t *testing.T) {
	t.Parallel()

	d := roll(t)
	engine := d.engine(defaults())
	grave, graveLevel := engine.Score(policy.Tally{"MultipleFaces": {N: 1}})

	for _, a := range defaults().Violations {
		for _, b := range defaults().Violations {
			if a.Severity == "critical" || b.Severity == "critical" {
				continue
			}

			tally := policy.Tally{}
			for i, kind := range []string{a.Type, b.Type} {
				tally[kind] = policy.Count{N: tally[kind].N + 1, LastAt: int64(i)}
			}

			if got, level := engine.Score(tally); got >= grave || level == graveLevel {
				t.Errorf("%s and %s score %d (%s), MultipleFaces %d (%s)", a.Type, b.Type, got, level, grave, graveLevel)
			}
		}
	}

	// However often: medium signs alone never get above one grave one.
	if got := score(engine, policy.Tally{"GazeDeviation": {N: 1 << 40}, "HeadTurned": {N: 1 << 40}}); got > grave {
		t.Errorf("looking away for hours scores %d", got)
	}
}
