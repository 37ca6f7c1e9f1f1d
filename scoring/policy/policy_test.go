package policy_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
)

// defaults is the policy of an exam that overrides nothing (docs/exam.md).
func defaults() wire.Policy {
	return wire.Policy{
		Version: "v1",
		Violations: []wire.ViolationRule{
			{Type: "MultipleFaces", Severity: "critical", Weight: 30, TTLMs: 45_000, MustLastMs: 1_000},
			{Type: "FaceMissing", Severity: "high", Weight: 10, TTLMs: 30_000, MustLastMs: 3_000},
			{Type: "CameraBlackout", Severity: "high", Weight: 10, TTLMs: 15_000, MustLastMs: 2_000},
			{Type: "GazeDeviation", Severity: "medium", Weight: 4, TTLMs: 20_000, MustLastMs: 2_000},
			{Type: "HeadTurned", Severity: "medium", Weight: 4, TTLMs: 20_000, MustLastMs: 2_000},
			{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000, MustLastMs: 1_000},
			{Type: "Speaking", Severity: "low", Weight: 2, TTLMs: 30_000, MustLastMs: 2_000},
			{Type: "LowQuality", Severity: "low", Weight: 1, TTLMs: 60_000, MustLastMs: 5_000},
		},
		Caps:   map[string]int{"low": 10, "medium": 30, "high": 60, "critical": 100},
		Levels: wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
	}
}

func engine(t *testing.T, p wire.Policy) *policy.Engine {
	t.Helper()

	e, err := policy.New(p)
	if err != nil {
		t.Fatal(err)
	}

	return e
}

func TestScore(t *testing.T) {
	cases := map[string]struct {
		counts    map[string]int
		wantScore int
		wantLevel string
	}{
		"nothing":                     {nil, 0, "clear"},
		"looked away twice":           {map[string]int{"GazeDeviation": 2}, 8, "clear"},
		"looked away for hours":       {map[string]int{"GazeDeviation": 1000}, 30, "suspicious"},
		"every medium type for hours": {map[string]int{"GazeDeviation": 99, "HeadTurned": 99, "FocusLost": 99}, 30, "suspicious"},
		"one other person":            {map[string]int{"MultipleFaces": 1}, 30, "suspicious"},
		"two other people":            {map[string]int{"MultipleFaces": 2}, 60, "critical"},
		"somebody else all the time":  {map[string]int{"MultipleFaces": 100}, 100, "critical"},
		"bands add up":                {map[string]int{"FaceMissing": 1, "FocusLost": 1, "Speaking": 1}, 17, "watch"},
		"low is capped":               {map[string]int{"Speaking": 9, "LowQuality": 9}, 10, "watch"},
		"high is capped":              {map[string]int{"FaceMissing": 5, "CameraBlackout": 5}, 60, "critical"},
		"the total is capped":         {map[string]int{"MultipleFaces": 3, "FaceMissing": 5}, 100, "critical"},
		"a type that the policy lost": {map[string]int{"Whistling": 50, "FocusLost": 1}, 5, "clear"},
		"a count that would overflow": {map[string]int{"MultipleFaces": 1 << 62}, 100, "critical"},
		"one below the level":         {map[string]int{"FocusLost": 1, "GazeDeviation": 1}, 9, "clear"},
		"exactly at the level":        {map[string]int{"FaceMissing": 1}, 10, "watch"},
		"everything there is, endlessly": {
			map[string]int{"MultipleFaces": 9, "FaceMissing": 99, "FocusLost": 99, "Speaking": 99}, 100, "critical",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tally := policy.Tally{}
			for violation, n := range tc.counts {
				tally[violation] = policy.Count{N: n}
			}

			score, level := engine(t, defaults()).Score(tally)
			if score != tc.wantScore || level != tc.wantLevel {
				t.Errorf("score %d %s, want %d %s", score, level, tc.wantScore, tc.wantLevel)
			}
		})
	}
}

func TestLookedAwayTwiceNeverReachesWhatAnotherPersonDoes(t *testing.T) {
	e := engine(t, defaults())
	one, _ := e.Score(policy.Tally{"MultipleFaces": {N: 1}})
	away, _ := e.Score(policy.Tally{"GazeDeviation": {N: 2}})

	if away >= one {
		t.Errorf("looked away twice scores %d, another person %d", away, one)
	}

	// The medium cap holds whatever happens within the band, so no amount of it
	// reaches what the critical band reaches by itself.
	medium, level := e.Score(policy.Tally{"GazeDeviation": {N: 1e6}, "HeadTurned": {N: 1e6}, "FocusLost": {N: 1e6}})
	critical, _ := e.Score(policy.Tally{"MultipleFaces": {N: 2}})

	if medium >= critical || level == policy.LevelCritical {
		t.Errorf("medium reaches %d (%s), critical %d", medium, level, critical)
	}
}

func TestCheck(t *testing.T) {
	cases := map[string]struct {
		reported    []wire.ReportedViolation
		want        []string
		wantUnknown string
	}{
		"lasted just enough": {[]wire.ReportedViolation{{Type: "FaceMissing", LastedMs: 3000}}, []string{"FaceMissing"}, ""},
		"lasted too short":   {[]wire.ReportedViolation{{Type: "FaceMissing", LastedMs: 2999}}, nil, ""},
		"lasted negatively":  {[]wire.ReportedViolation{{Type: "FaceMissing", LastedMs: -1}}, nil, ""},
		"unknown":            {[]wire.ReportedViolation{{Type: "Whistling", LastedMs: 9999}}, nil, "Whistling"},
		"unknown refuses the whole": {
			[]wire.ReportedViolation{{Type: "FocusLost", LastedMs: 9999}, {Type: "", LastedMs: 1}}, nil, "",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			candidates, err := engine(t, defaults()).Check(tc.reported)

			unknown := (*policy.UnknownTypeError)(nil)
			wantErr := tc.wantUnknown != "" || name == "unknown refuses the whole"
			if errors.As(err, &unknown) != wantErr {
				t.Fatalf("error %v", err)
			} else if wantErr && (unknown.Type != tc.wantUnknown || candidates != nil) {
				t.Fatalf("error %v with %v", err, candidates)
			}

			if len(candidates) != len(tc.want) {
				t.Fatalf("candidates %v, want %v", candidates, tc.want)
			}

			for i, candidate := range candidates {
				if candidate.Type != tc.want[i] {
					t.Errorf("candidate %v, want %s", candidate, tc.want[i])
				}
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	cases := map[string]func(*wire.Policy){
		"unknown severity":   func(p *wire.Policy) { p.Violations[0].Severity = "grave" },
		"negative weight":    func(p *wire.Policy) { p.Violations[0].Weight = -1 },
		"negative ttl":       func(p *wire.Policy) { p.Violations[0].TTLMs = -1 },
		"negative must last": func(p *wire.Policy) { p.Violations[0].MustLastMs = -1 },
		"a type twice":       func(p *wire.Policy) { p.Violations[1].Type = "MultipleFaces" },
		"no type":            func(p *wire.Policy) { p.Violations[0].Type = "" },
		"negative cap":       func(p *wire.Policy) { p.Caps["low"] = -1 },
		"falling levels":     func(p *wire.Policy) { p.Levels.Watch = 99 },
	}

	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			p := defaults()
			spoil(&p)

			if _, err := policy.New(p); !errors.Is(err, policy.ErrInvalid) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestProperties plays random exams and checks what must hold in every one.
func TestProperties(t *testing.T) {
	p := defaults()
	e := engine(t, p)
	random := rand.New(rand.NewPCG(1, 2))

	for range 500 {
		tally := policy.Tally{}
		now := int64(1_700_000_000_000)
		before := 0

		for range 200 {
			now += random.Int64N(10_000)
			rule := p.Violations[random.IntN(len(p.Violations))]
			last, seen := tally[rule.Type]
			counted := tally.Add(policy.Candidate{Type: rule.Type, TTLMs: rule.TTLMs}, now)

			if want := !seen || now-last.LastAt >= rule.TTLMs; counted != want {
				t.Fatalf("%s counted %t, %d ms after the last", rule.Type, counted, now-last.LastAt)
			}

			score, _ := e.Score(tally)
			if score < before || score > policy.MaxScore {
				t.Fatalf("score went from %d to %d", before, score)
			}

			if !counted && score != before {
				t.Fatalf("a repeat changed the score from %d to %d", before, score)
			}

			before = score
		}

		for severity, limit := range p.Caps {
			alone := policy.Tally{}

			for _, rule := range p.Violations {
				if rule.Severity == severity {
					alone[rule.Type] = tally[rule.Type]
				}
			}

			if score, _ := e.Score(alone); score > limit {
				t.Fatalf("%s alone scores %d, its cap is %d", severity, score, limit)
			}
		}
	}
}

// FuzzScore looks for a tally that leaves 0 to 100.
func FuzzScore(f *testing.F) {
	f.Add(1, 2, 3, 4)
	f.Fuzz(func(t *testing.T, a, b, c, d int) {
		tally := policy.Tally{
			"MultipleFaces": {N: max(0, a)}, "FaceMissing": {N: max(0, b)},
			"FocusLost": {N: max(0, c)}, "Speaking": {N: max(0, d)},
		}
		if score, _ := engine(t, defaults()).Score(tally); score < 0 || score > policy.MaxScore {
			t.Errorf("score %d of %v", score, tally)
		}
	})
}
