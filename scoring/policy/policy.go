// Package policy is the scoring engine: pure functions from an exam's policy and
// what a page reported to what counts, the score and the level. It knows no
// clock, no store and no network, so that every rule can be tested as a table.
package policy

import (
	"errors"
	"fmt"

	"github.com/invigil/invigil/internal/wire"
)

// MaxScore caps every score.
const MaxScore = 100

// The levels, mildest first.
const (
	LevelClear      = "clear"
	LevelWatch      = "watch"
	LevelSuspicious = "suspicious"
	LevelCritical   = "critical"
)

// severities are the bands that weights are summed and capped in.
var severities = [...]string{"low", "medium", "high", "critical"} //nolint:gochecknoglobals // constant

// ErrInvalid means that the policy contradicts itself and cannot be used.
var ErrInvalid = errors.New("policy is not valid")

// UnknownTypeError means that a page reported a violation type that the policy does not have.
type UnknownTypeError struct {
	Type string
}

// Error implements error.
func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("violation type %q is not in the policy", e.Type)
}

// Engine is one policy, checked and indexed. It is immutable.
type Engine struct {
	policy  wire.Policy
	version string
	// ignored are types that the policy has, and not for this student.
	ignored map[string]bool
	rules   map[string]wire.ViolationRule
	caps    map[string]int
	levels  wire.Levels
}

// New checks policy and returns its engine. Errors wrap ErrInvalid.
func New(policy wire.Policy) (*Engine, error) {
	engine := &Engine{
		policy:  policy,
		version: policy.Version,
		rules:   make(map[string]wire.ViolationRule, len(policy.Violations)),
		caps:    make(map[string]int, len(severities)),
		levels:  policy.Levels,
	}

	for _, severity := range severities {
		limit, ok := policy.Caps[severity]
		if !ok {
			limit = MaxScore
		}

		if limit < 0 {
			return nil, fmt.Errorf("%w: cap of %s is %d", ErrInvalid, severity, limit)
		}

		engine.caps[severity] = limit
	}

	for _, rule := range policy.Violations {
		switch _, known := engine.caps[rule.Severity]; {
		case rule.Type == "":
			return nil, fmt.Errorf("%w: a rule without type", ErrInvalid)
		case !known:
			return nil, fmt.Errorf("%w: %s has severity %q", ErrInvalid, rule.Type, rule.Severity)
		case rule.Weight < 0 || rule.TTLMs < 0 || rule.MustLastMs < 0:
			return nil, fmt.Errorf("%w: %s has a negative number", ErrInvalid, rule.Type)
		}

		if _, twice := engine.rules[rule.Type]; twice {
			return nil, fmt.Errorf("%w: %s is there twice", ErrInvalid, rule.Type)
		}

		engine.rules[rule.Type] = rule
	}

	levels := policy.Levels
	if levels.Watch > levels.Suspicious || levels.Suspicious > levels.Critical {
		return nil, fmt.Errorf("%w: levels %+v do not rise", ErrInvalid, levels)
	}

	return engine, nil
}

// Version of the policy; with accommodations "<policy's>+<their hash>", since a
// score is to be understood from the version that it carries.
func (e *Engine) Version() string { return e.version }

// Policy that the engine goes by, with accommodations: what a page should know.
func (e *Engine) Policy() wire.Policy { return e.policy }

// Candidate is a reported sign that is a violation unless one of its type is
// still alive.
type Candidate struct {
	Type     string
	Severity string
	TTLMs    int64
}

// Check turns what a page reported into candidates. A sign that did not last
// long enough is left out. One unknown type refuses the whole report with an
// *UnknownTypeError, so that a report is counted whole or not at all.
func (e *Engine) Check(reported []wire.ReportedViolation) ([]Candidate, error) {
	if len(reported) == 0 {
		return nil, nil
	}

	candidates := make([]Candidate, 0, len(reported))

	for _, sign := range reported {
		if e.ignored[sign.Type] {
			continue
		}

		rule, ok := e.rules[sign.Type]
		if !ok || IsObservation(sign.Type) {
			return nil, &UnknownTypeError{Type: sign.Type}
		}

		if sign.LastedMs < rule.MustLastMs {
			continue
		}

		candidates = append(candidates, Candidate{Type: rule.Type, Severity: rule.Severity, TTLMs: rule.TTLMs})
	}

	return candidates, nil
}

// Severity of a type; "" for one that the policy does not have.
func (e *Engine) Severity(violation string) string { return e.rules[violation].Severity }
