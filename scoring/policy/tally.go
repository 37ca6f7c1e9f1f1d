package policy

import (
	"maps"
	"slices"
)

// Count is how often a type was counted, and when it last was.
type Count struct {
	N int
	// LastAt is the server's receive time in milliseconds. The page's own clock
	// is not used: whoever controls the browser controls it, and could date
	// every sign into the TTL of the one before.
	LastAt int64
}

// Tally is what was counted of one session, by type.
type Tally map[string]Count

// Clone returns a copy.
func (t Tally) Clone() Tally { return maps.Clone(t) }

// Alive is whether a violation that was counted at lastAt still suppresses its
// type. The store's Redis script holds the same rule.
func Alive(lastAt, at, ttlMs int64) bool { return at-lastAt < ttlMs }

// Add counts the candidate at the server's time at, and says whether it did: it
// does not while an earlier one of the type is alive.
func (t Tally) Add(candidate Candidate, at int64) bool {
	count, seen := t[candidate.Type]
	if seen && Alive(count.LastAt, at, candidate.TTLMs) {
		return false
	}

	t[candidate.Type] = Count{N: count.N + 1, LastAt: at}

	return true
}

// Without returns the tally less what people have dismissed, by type: those
// violations weigh nothing. It returns t itself if nothing is.
func (t Tally) Without(dismissed map[string]int) Tally {
	if len(dismissed) == 0 {
		return t
	}

	left := t.Clone()

	for violation, n := range dismissed {
		if count, ok := left[violation]; ok {
			count.N = max(0, count.N-n)
			left[violation] = count
		}
	}

	return left
}

// Score of a tally, 0 to MaxScore, and its level. Each severity's sum is capped
// before they are added, so that no number of small signs weighs like a grave
// one. A type that the policy does not have adds nothing.
func (e *Engine) Score(tally Tally) (score int, level string) {
	var sums [len(severities)]int

	for violation, count := range tally {
		rule, ok := e.rules[violation]
		if !ok {
			continue
		}

		band := slices.Index(severities[:], rule.Severity)
		limit := e.caps[rule.Severity]

		// Capped at every step: a sum can then never overflow.
		if rule.Weight > 0 && count.N > limit/rule.Weight {
			sums[band] = limit
		} else {
			sums[band] = min(limit, sums[band]+rule.Weight*count.N)
		}
	}

	for _, sum := range sums {
		score = min(MaxScore, score+sum)
	}

	return score, e.level(score)
}

func (e *Engine) level(score int) string {
	switch {
	case score >= e.levels.Critical:
		return LevelCritical
	case score >= e.levels.Suspicious:
		return LevelSuspicious
	case score >= e.levels.Watch:
		return LevelWatch
	default:
		return LevelClear
	}
}
