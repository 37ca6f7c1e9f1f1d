package witness

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// sealLimit bounds what is read of a seal or receipt, in bytes.
const sealLimit = 4 << 20

// ending is how far the evidence is with its end.
type ending struct {
	// looked is whether the bucket was asked what an earlier process did.
	looked bool
	// begun: the seal was begun, and nothing but finishing it makes sense.
	begun bool
	// compared: all chains were compared with what the store keeps, a last time.
	compared bool
	sealedAt int64
	head     string
	// expired: this process has let the pictures expire.
	expired   bool
	expiredAt int64
}

func (w *Witness) sealing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.end.begun
}

// finish seals the evidence once nothing can happen any more, and lets the
// pictures expire once their time has come. What does not work is tried again.
func (w *Witness) finish(ctx context.Context) {
	if err := w.advance(ctx); err != nil && ctx.Err() == nil {
		w.log.Warn("the evidence's end waits", zap.Error(err))
	}
}

func (w *Witness) advance(ctx context.Context) error {
	if !w.end.looked {
		if err := w.resume(ctx); err != nil {
			return err
		}
	}

	at, over := w.options.Tracker.Over()

	switch {
	case w.sealed.Load() && w.end.sealedAt != 0:
		return w.expire(ctx, at, over)
	case w.end.begun || w.sealed.Load():
		return w.seal(ctx)
	case !over:
		return nil
	case !w.end.compared:
		w.end.compared = true
		w.oweAll()

		return nil
	case !w.quiet():
		return nil
	default:
		return w.seal(ctx)
	}
}

// resume finds out whether an earlier process has begun or made the seal.
func (w *Witness) resume(ctx context.Context) error {
	begun, err := w.vault.Exists(ctx, format.SealingKey)
	if err != nil {
		return err
	}

	w.mu.Lock()
	w.end.looked, w.end.begun = true, begun
	w.mu.Unlock()

	return nil
}

func (w *Witness) oweAll() {
	for _, student := range w.options.Students() {
		w.owe(student)
	}
}

// quiet is whether everything that was said is in the bucket.
func (w *Witness) quiet() bool {
	w.mu.Lock()
	owed := len(w.owed)
	w.mu.Unlock()

	return owed == 0 && w.frames.Idle() && w.writer.Backlog() == 0
}

func (w *Witness) seal(ctx context.Context) error {
	w.mu.Lock()
	w.end.begun = true
	w.mu.Unlock()

	made, err := w.chains.Seal(ctx)
	if err != nil {
		return err
	}

	w.sealed.Store(true)
	w.metrics.sealed.Set(1)

	raw, err := w.vault.Get(ctx, format.SealKey, sealLimit)
	if err != nil {
		return err
	}

	w.mu.Lock()
	w.end.sealedAt, w.end.head = made.At, format.Hash(raw)
	w.mu.Unlock()
	w.log.Info("evidence is sealed", zap.String("head", w.end.head), zap.Int("students", len(made.Students)))

	return nil
}

// expire deletes the pictures once they were kept for long enough after the exam's
// end, at.
func (w *Witness) expire(ctx context.Context, at int64, over bool) error {
	config := w.config.Load()
	now := w.options.Now()

	if w.end.expired || !over || config == nil || config.RetentionMs <= 0 || now.UnixMilli() < at+config.RetentionMs {
		return nil
	}

	gone, err := w.chains.Expire(ctx, now)
	if err != nil {
		return err
	}

	last, err := w.lastReceipt(ctx)
	if err != nil {
		return err
	}

	if last == 0 {
		last = now.UnixMilli() // There was no picture.
	}

	w.mu.Lock()
	w.end.expired, w.end.expiredAt = true, last
	w.mu.Unlock()
	w.log.Info("pictures have expired", zap.Int("pictures", gone.Blobs), zap.Strings("receipts", gone.Receipts))

	return nil
}

// lastReceipt is when pictures were deleted last; 0: never.
func (w *Witness) lastReceipt(ctx context.Context) (int64, error) {
	var keys []string

	err := w.vault.List(ctx, format.Receipts, func(object bucket.Object) error {
		if object.Size < sealLimit && !strings.HasSuffix(object.Key, format.SignatureSuffix) {
			keys = append(keys, object.Key)
		}

		return nil
	})
	if err != nil {
		return 0, err
	}

	last := int64(0)

	for _, key := range keys {
		raw, err := w.vault.Get(ctx, key, sealLimit)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return 0, err
		}

		var receipt format.Receipt
		if json.Unmarshal(raw, &receipt) == nil {
			last = max(last, receipt.At)
		}
	}

	return last, nil
}
