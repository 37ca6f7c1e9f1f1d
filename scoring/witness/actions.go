package witness

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
)

// settleTimeout is how long the answer to an action waits for its record.
const settleTimeout = 2 * time.Second

// Actor does what invigilators want done.
type Actor interface {
	Act(ctx context.Context, student, by string, action wire.Action) (wire.TakenAction, error)
}

// Witnessed is next, whose answers wait until the action is in the bucket, for 2 s
// at most: an action that is answered is done either way, and its record goes on
// being tried. None of scoring's locks is held meanwhile.
func (w *Witness) Witnessed(next Actor) Actor { return &witnessed{next, w} }

type witnessed struct {
	Actor

	witness *Witness
}

// Act implements Actor.
func (a *witnessed) Act(ctx context.Context, student, by string, action wire.Action) (wire.TakenAction, error) {
	taken, err := a.Actor.Act(ctx, student, by, action)
	if err == nil {
		a.witness.settle(ctx, taken)
	}

	return taken, err
}

// settle waits for the record of an action, which is queued already: the writer
// answers for its id once it is there.
func (w *Witness) settle(ctx context.Context, taken wire.TakenAction) {
	entry, known := entryOf(taken.Student, taken.At, taken)
	if !known || w.config.Load() == nil || w.sealed.Load() {
		return
	}

	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()

	if _, err := w.writer.Append(ctx, entry); err != nil {
		w.log.Warn("an action is not on record yet", zap.String("student", taken.Student),
			zap.String("id", taken.ID), zap.Error(err))
	}
}
