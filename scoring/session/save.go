package session

import (
	"strings"

	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// saveStep is how much of a session's coverage a restart may lose, in
// milliseconds; what it loses is called the platform's.
const saveStep = 60_000

// Observations are stored as the marks obs:<kind>:n and obs:<kind>:at.
const (
	observationPrefix = "obs:"
	numberSuffix      = ":n"
	timeSuffix        = ":at"
)

// unsaved puts a session on the list of those to save. It needs the lock.
func (t *Tracker) unsaved(e *entry) {
	if !e.queued && e.record.Generation > 0 {
		e.queued = true
		t.toSave = append(t.toSave, e)
	}
}

// Unsaved takes at most limit sessions whose coverage or observations the store
// does not have: with their marks, and without tallies. With everything, of
// all sessions, whether changed or not. While the store is away only that is worth
// its place in the journal.
func (t *Tracker) Unsaved(limit int, everything bool) []store.Record {
	t.mu.Lock()
	defer t.mu.Unlock()

	if everything {
		for _, e := range t.sessions {
			t.unsaved(e)
		}
	} else if !t.stored {
		return nil
	}

	now := t.now().UnixMilli()
	count := min(limit, len(t.toSave))
	records := make([]store.Record, 0, count)

	for _, e := range t.toSave[:count] {
		e.queued, e.saved, e.adopted = false, now, true

		record := e.record
		record.Tally, record.Actions, record.Marks = nil, nil, map[string]int64{}
		e.ledger.Mark(record.Marks, now)

		for kind, count := range e.observations {
			record.Marks[observationPrefix+kind+numberSuffix] = int64(count.N)
			record.Marks[observationPrefix+kind+timeSuffix] = count.LastAt
		}

		records = append(records, record)
	}

	if t.toSave = t.toSave[count:]; len(t.toSave) == 0 {
		t.toSave = nil
	}

	return records
}

// restore takes what another process has left. It needs the lock.
func (t *Tracker) restore(e *entry, marks map[string]int64) {
	if len(marks) == 0 {
		return // No news: after an outage that is everybody at once.
	}

	e.ledger.Restore(marks, t.began)

	for name, value := range marks {
		rest, ok := strings.CutPrefix(name, observationPrefix)
		if !ok {
			continue
		}

		if e.observations == nil {
			e.observations = policy.Tally{}
		}

		if kind, ok := strings.CutSuffix(rest, numberSuffix); ok {
			count := e.observations[kind]
			count.N += int(value)
			e.observations[kind] = count
		} else if kind, ok := strings.CutSuffix(rest, timeSuffix); ok {
			count := e.observations[kind]
			count.LastAt = max(count.LastAt, value)
			e.observations[kind] = count
		}
	}

	e.stale = true
	e.news++
}
