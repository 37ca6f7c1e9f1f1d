package witness

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// recoverers is how many students' chains are compared at once.
const recoverers = 4

// Restored has the chains compared with what the store holds: a process that was
// killed had counted what it had not written yet.
func (w *Witness) Restored(records []store.Record) {
	for i := range records {
		if record := &records[i]; len(record.Tally) > 0 || len(record.Actions) > 0 ||
			session.Observed(record.Marks) {
			w.owe(record.Student)
		}
	}
}

func (w *Witness) owe(student string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.owed[student] = true
}

// debts takes the students that are owed.
func (w *Witness) debts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()

	students := make([]string, 0, len(w.owed))
	for student := range w.owed {
		students = append(students, student)
	}

	clear(w.owed)

	return students
}

// errLater means that a student's entries wait, so what is missing is not known.
var errLater = errors.New("entries of the student wait")

// repay records what chains lack and the store keeps. What does not work now is
// owed still.
func (w *Witness) repay(ctx context.Context) {
	if w.sealed.Load() || w.sealing() {
		w.debts() // Nothing is added to a sealed chain.

		return
	}

	if w.writer.Backlog() > statesUpTo {
		return
	}

	var group errgroup.Group

	group.SetLimit(recoverers)

	for _, student := range w.debts() {
		group.Go(func() error {
			if err := w.recover(ctx, student); err != nil && !evidence.Permanent(err) {
				w.owe(student)

				if ctx.Err() == nil && !errors.Is(err, errLater) {
					w.log.Debug("a chain cannot be compared yet", zap.String("student", student), zap.Error(err))
				}
			}

			return nil
		})
	}

	_ = group.Wait()
}

func (w *Witness) recover(ctx context.Context, student string) error {
	kept, enrolled := w.options.Tracker.Kept(student)
	if !enrolled {
		return nil
	}

	// What is kept of what this process counted was queued before it was kept. So
	// once nothing waits, what the chain lacks is lost.
	if w.writer.Waits(student) {
		return errLater
	}

	entries := recovered(student, kept)
	ids := make([]string, len(entries))
	byID := make(map[string]evidence.Entry, len(entries))

	for i, entry := range entries {
		ids[i], byID[entry.ID] = entry.ID, entry
	}

	missing, err := w.chains.Missing(ctx, student, ids)
	if err != nil {
		return err
	}

	for _, id := range missing {
		entry := byID[id]
		if err := w.writer.Enqueue(entry); err != nil {
			return err
		}

		w.metrics.recovered.WithLabelValues(string(entry.Kind())).Inc()
		w.log.Info("recovered", zap.String("student", student), zap.String("id", id))
	}

	return nil
}

// recovered are the records that follow from what is kept of a session, in the
// order of their times. They say of themselves that they are no more than that.
func recovered(student string, kept session.Kept) []evidence.Entry {
	var entries []evidence.Entry

	each(kept.Violations, func(kind string, number int, at int64) {
		entries = append(entries, evidence.Entry{
			Student: student, ID: violationID(kind, number), At: at,
			Facts: format.Facts{Violation: &format.Violation{
				Type: kind, Severity: kept.Engine.Severity(kind), Policy: kept.Engine.Version(), Recovered: true,
			}},
		})
	})
	each(kept.Observations, func(kind string, number int, at int64) {
		entries = append(entries, evidence.Entry{
			Student: student, ID: observationID(kind, number), At: at,
			Facts: format.Facts{Observation: &format.Observation{Type: kind, Recovered: true}},
		})
	})

	for id, stored := range kept.Actions {
		action := actionOf(stored)
		action.Recovered = true
		entries = append(entries, evidence.Entry{
			Student: student, ID: actionID(id), At: stored.At, Facts: format.Facts{Action: action},
		})
	}

	slices.SortFunc(entries, func(a, b evidence.Entry) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})

	return entries
}

func each(tally policy.Tally, call func(kind string, number int, at int64)) {
	for kind, count := range tally {
		for number := 1; number <= count.N; number++ {
			call(kind, number, count.LastAt)
		}
	}
}
