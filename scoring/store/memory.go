package store

import (
	"context"
	"sync"

	"github.com/invigil/invigil/scoring/policy"
)

// Memory is a Store in this process. Nothing in it expires: it is as large as
// the roster and lives as long as the process.
type Memory struct {
	mu      sync.Mutex
	records map[string]Record
	// old are the session ids that others have replaced, by student.
	old map[string]map[string]bool
	// based are the students whose records start from what remote holds.
	based map[string]bool
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{records: map[string]Record{}, old: map[string]map[string]bool{}, based: map[string]bool{}}
}

// Join implements Store.
func (m *Memory) Join(_ context.Context, join Join) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	record := m.records[join.Student]
	record.Student = join.Student

	resumes := record.SID != "" && record.Device == join.Device
	if join.Force {
		// An id that another one has replaced does not come back.
		resumes = record.SID == join.SID || m.old[join.Student][join.SID]
	}

	if !resumes {
		m.retire(join.Student, record.SID)

		record.Device, record.SID, record.Seq = join.Device, join.SID, 0
		record.Generation = max(record.Generation, join.Floor) + 1
	}

	if record.JoinedAt == 0 {
		record.JoinedAt = join.At
	}

	m.records[join.Student] = record

	return cloned(record), nil
}

// Report implements Store.
func (m *Memory) Report(_ context.Context, report Report) (Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	record, known := m.records[report.Student]

	switch {
	case !known || record.SID == "":
		return Outcome{Status: Unknown, Record: Record{Student: report.Student}}, nil
	case record.SID != report.SID:
		return Outcome{Status: Replaced, Record: cloned(record)}, nil
	case report.Seq <= record.Seq:
		return Outcome{Status: Repeated, Record: cloned(record)}, nil
	}

	outcome := Outcome{Status: Counted}
	if record.Tally == nil {
		record.Tally = policy.Tally{}
	}

	for _, candidate := range report.Violations {
		if record.Tally.Add(candidate, report.At) {
			outcome.Counted = append(outcome.Counted, candidate.Type)
		}
	}

	record.Seq = report.Seq
	record.Live = record.Live || report.Live
	m.records[report.Student] = record
	outcome.Record = cloned(record)

	return outcome, nil
}

// Sync implements Store.
func (m *Memory) Sync(_ context.Context, records []Record, _ int64) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	merged := make([]Record, 0, len(records))

	for _, record := range records {
		merged = append(merged, cloned(m.merge(record)))
	}

	return merged, nil
}

func (m *Memory) merge(record Record) Record {
	have, known := m.records[record.Student]
	if !known {
		have = Record{Student: record.Student}
	}

	merged := Merge(have, record)
	if merged.SID != have.SID {
		m.retire(record.Student, have.SID)
	}

	if !merged.Empty() {
		m.records[record.Student] = merged
	}

	return merged
}

// retire notes that a session id was replaced.
func (m *Memory) retire(student, sid string) {
	if sid == "" {
		return
	}

	if m.old[student] == nil {
		m.old[student] = map[string]bool{}
	}

	m.old[student][sid] = true
}

func cloned(record Record) Record {
	record.Tally = record.Tally.Clone()

	return record
}
