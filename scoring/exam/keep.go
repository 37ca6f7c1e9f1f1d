package exam

import (
	"context"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/store"
)

const (
	// keepAfterEnd is how long the store holds an exam after its end: the
	// operator reads the last of it, and people ask on the next day.
	keepAfterEnd = 24 * time.Hour
	// keepWithoutEnd is the same for an exam without end, from the last write.
	keepWithoutEnd = 48 * time.Hour
	// tokenWithoutEnd is how long a session token of an exam without end is good.
	tokenWithoutEnd = 12 * time.Hour
)

// ExpireAt is when the store may forget what is written now.
func (e *Exam) ExpireAt() int64 {
	if end := e.Config().EndsAt; end != 0 {
		// Some students may go on after it.
		return time.UnixMilli(max(end, e.now().UnixMilli())).Add(keepAfterEnd).UnixMilli()
	}

	return e.now().Add(keepWithoutEnd).UnixMilli()
}

// Restored takes records that the store gave.
func (e *Exam) Restored(records []store.Record) {
	for _, record := range records {
		if !record.Empty() {
			e.tracker.Restore(record)
		}
	}
}

// saveBatch bounds what is saved at once.
const saveBatch = 500

// Save stores how far sessions are observed, of as many as one round trip takes.
func (e *Exam) Save(ctx context.Context) { e.save(ctx, e.tracker.Unsaved(saveBatch, false)) }

// SaveAll stores it of everybody, before the process ends.
func (e *Exam) SaveAll(ctx context.Context) { e.save(ctx, e.tracker.Unsaved(math.MaxInt, true)) }

func (e *Exam) save(ctx context.Context, records []store.Record) {
	for batch := range slices.Chunk(records, saveBatch) {
		if _, err := e.store.Sync(ctx, batch, e.ExpireAt()); err != nil {
			e.log.Warn("coverage is not stored", zap.Error(err))

			return
		}
	}
}
