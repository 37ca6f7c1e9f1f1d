package session

import (
	"cmp"
	"slices"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
)

// control is what invigilators' actions come to. It follows from the set of
// actions alone, whatever the order in which they became known.
type control struct {
	// pausedAt is when the running pause began; 0: none.
	pausedAt int64
	// movedMs is what extensions and pauses that have ended add to the end.
	movedMs    int64
	terminated bool
	// dismissed violations, by type.
	dismissed map[string]*dismissals
}

type dismissals struct {
	numbers []int
	lastAt  int64
}

// fold makes it of the actions. What has no room where it stands changes nothing:
// two processes may have taken actions that did not know of each other.
func fold(actions map[string]store.Action, startsAt int64) control {
	var c control

	for _, id := range chronological(actions) {
		action := actions[id]

		switch wire.ActionKind(action.Kind) {
		case wire.ActionPause:
			if c.pausedAt == 0 && !c.terminated {
				c.pausedAt = action.At
			}
		case wire.ActionResume:
			c.movedMs += c.pauseMs(action.At, startsAt)
			c.pausedAt = 0
		case wire.ActionExtend:
			c.movedMs += int64(action.Minutes) * 60_000
		case wire.ActionTerminate:
			c.terminated = true
		case wire.ActionDismiss:
			c.dismiss(action)
		case wire.ActionMessage, wire.ActionWarn:
		}
	}

	return c
}

// pauseMs is how long the running pause has stopped the student's clock, which
// does not run before the exam has started.
func (c *control) pauseMs(now, startsAt int64) int64 {
	if c.pausedAt == 0 {
		return 0
	}

	return max(0, now-max(c.pausedAt, startsAt))
}

func (c *control) dismiss(action store.Action) {
	if c.dismissed == nil {
		c.dismissed = map[string]*dismissals{}
	}

	of := c.dismissed[action.Violation]
	if of == nil {
		of = &dismissals{}
		c.dismissed[action.Violation] = of
	}

	if !slices.Contains(of.numbers, action.Number) {
		of.numbers = append(of.numbers, action.Number)
		of.lastAt = max(of.lastAt, action.At)
	}
}

// has is whether a violation is dismissed already.
func (c *control) has(violation string, number int) bool {
	of := c.dismissed[violation]

	return of != nil && slices.Contains(of.numbers, number)
}

// counts are the dismissed violations, by type; nil if there are none.
func (c *control) counts() map[string]int {
	if len(c.dismissed) == 0 {
		return nil
	}

	counts := make(map[string]int, len(c.dismissed))
	for violation, of := range c.dismissed {
		counts[violation] = len(of.numbers)
	}

	return counts
}

func chronological(actions map[string]store.Action) []string {
	ids := make([]string, 0, len(actions))
	for id := range actions {
		ids = append(ids, id)
	}

	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(actions[a].At, actions[b].At), cmp.Compare(a, b))
	})

	return ids
}
