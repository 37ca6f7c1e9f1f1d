package main

import (
	"errors"
	"slices"
	"time"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

// behaviour is what a student reports and what its fault does.
type behaviour struct {
	stay  *stay
	began time.Time
	// struck is true while the fault shows.
	struck bool
	// sign, if any, goes with the next report.
	sign string
}

func (s *stay) behaviour() *behaviour { return &behaviour{stay: s, began: time.Now()} }

// errRejoin: the student left to come back.
var errRejoin = errors.New("left to come back")

// strike lets the fault happen. An error ends the stay.
func (b *behaviour) strike() error {
	b.struck = true

	switch b.stay.fault {
	case NoFault, Flood:
	case DropMedia:
		b.stay.feed.show(client.Nothing)
	case Blackout:
		b.stay.feed.show(client.Black)
		b.sign = "CameraBlackout"
	case FocusLost:
		b.sign = "FocusLost"
	case Vanish:
		b.stay.vanished = true

		return errLeft
	case Rejoin:
		return errRejoin
	}

	return nil
}

// report returns what the page reports now.
func (b *behaviour) report() (wire.PageDelta, []wire.ReportedViolation) {
	black := b.struck && b.stay.fault == Blackout
	planted := due(&b.stay.plants, time.Since(b.began))
	unfocused := b.sign == "FocusLost" || slices.Contains(planted, "FocusLost")
	luminance := 120.0

	if black {
		luminance = 2
	}

	delta := wire.PageDelta{
		// A page knows of its own media only what it gives to the browser: it
		// says so even where nothing arrives.
		Publishing:  new(true),
		Visible:     new(!unfocused),
		Focused:     new(!unfocused),
		CameraMuted: new(false),
		Luminance:   &luminance,
	}

	flood := b.struck && b.stay.fault == Flood

	var violations []wire.ReportedViolation

	for _, rule := range b.stay.joined.Policy.Violations {
		if rule.Type != b.sign && !flood && !slices.Contains(planted, rule.Type) {
			continue
		}

		lasted := rule.MustLastMs
		violations = append(violations, wire.ReportedViolation{
			Type:     rule.Type,
			At:       time.Now().UnixMilli() - lasted,
			LastedMs: lasted,
		})
	}

	if !black {
		b.sign = ""
	}

	return delta, violations
}
