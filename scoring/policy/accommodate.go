package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/invigil/invigil/internal/wire"
)

// For returns the engine for a student with these accommodations; e itself if
// there are none. A type that the policy does not have is left alone: it weighs
// nothing already. Errors wrap ErrInvalid.
func (e *Engine) For(accommodations map[string]wire.Accommodation) (*Engine, error) {
	if len(accommodations) == 0 {
		return e, nil
	}

	data, err := json.Marshal(accommodations) // Keys of a map come sorted.
	if err != nil {
		return nil, fmt.Errorf("%w: accommodations: %w", ErrInvalid, err)
	}

	sum := sha256.Sum256(data)
	own := e.policy
	own.Version += "+" + hex.EncodeToString(sum[:4])
	own.Violations = slices.Clone(own.Violations)
	ignored := map[string]bool{}

	for i := range own.Violations {
		rule := &own.Violations[i]
		given := accommodations[rule.Type]
		ignored[rule.Type] = given.Disabled

		if given.Weight != nil {
			rule.Weight = *given.Weight
		}

		if given.MustLastMs != nil {
			rule.MustLastMs = *given.MustLastMs
		}
	}

	own.Violations = slices.DeleteFunc(own.Violations, func(rule wire.ViolationRule) bool { return ignored[rule.Type] })

	engine, err := New(own)
	if err != nil {
		return nil, err
	}

	engine.ignored = ignored

	return engine, nil
}
