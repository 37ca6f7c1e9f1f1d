package witness

import (
	"errors"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/witness/frames"
)

// Record implements session.Recorder. It queues, and is done.
func (w *Witness) Record(student, kind string, at int64, detail any) {
	if w.config.Load() == nil {
		return
	}

	entry, known := entryOf(student, at, detail)
	if !known {
		w.log.Error("a fact has no record", zap.String("kind", kind))

		return
	}

	if entry.State != nil {
		if w.leaving.Load() {
			return
		}

		if w.writer.Backlog() >= statesUpTo {
			w.lost(&entry, "full")

			return
		}
	}

	w.put(entry)

	if fact, ok := detail.(session.ViolationFact); ok {
		w.uploads.counted(student, fact.Type, fact.Number, at)

		if fact.Severity == "high" || fact.Severity == "critical" {
			w.frames.Ask(frames.Request{
				Student: student, ID: entry.ID + "/sfu", Of: entry.ID, At: at, Reason: frames.Violation,
			})
		}
	}
}

// put queues an entry, or counts that it could not.
func (w *Witness) put(entry evidence.Entry) {
	if w.sealed.Load() {
		w.lost(&entry, "sealed")

		return
	}

	switch err := w.writer.Enqueue(entry); {
	case err == nil:
	case errors.Is(err, evidence.ErrFull):
		w.lost(&entry, "full")
	case errors.Is(err, evidence.ErrClosed):
		w.lost(&entry, "closed")
	default:
		w.log.Error("a fact cannot be recorded", zap.String("student", entry.Student), zap.Error(err))
		w.lost(&entry, "invalid")
	}
}

// lost counts an entry that was not taken, and has what the store keeps of it
// recorded later.
func (w *Witness) lost(entry *evidence.Entry, reason string) {
	kind := entry.Kind()
	w.metrics.lost.WithLabelValues(string(kind), reason).Inc()

	if reason == "full" && (kind == format.KindViolation || kind == format.KindObservation || kind == format.KindAction) {
		w.owe(entry.Student)
	}
}

// failed is told by the writer of what never will be on record.
func (w *Witness) failed(entry evidence.Entry, err error) {
	w.log.Warn("not on record", zap.String("student", entry.Student), zap.String("id", entry.ID), zap.Error(err))

	if errors.Is(err, evidence.ErrSealed) {
		w.sealed.Store(true)
	}
}
