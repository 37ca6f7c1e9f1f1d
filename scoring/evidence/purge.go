package evidence

import (
	"context"
	"errors"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// ErrNotSealed means that the exam's evidence may still be added to.
var ErrNotSealed = errors.New("evidence is not sealed")

// Purge lets all pictures of a sealed exam expire, whatever their age. It can be
// repeated. Errors: ErrNotSealed; what Expire returns.
func (l *Log) Purge(ctx context.Context) (Expired, error) {
	sealed, err := l.store.Exists(ctx, format.SealKey)

	switch {
	case err != nil:
		return Expired{}, err
	case !sealed:
		return Expired{}, ErrNotSealed
	default:
		return l.Expire(ctx, l.options.Now())
	}
}
