package store

import (
	"context"
	"slices"
	"sync"

	"github.com/invigil/invigil/scoring/policy"
)

// Memory is a Store in this process. Nothing in it expires: it is as large as
// the roster and lives as long as the process.
type Memory struct {
	mu      sync.Mutex
	records map[string]Record
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{records: map[string]Record{}}
}

// Join implements Store.
func (m *Memory) Join(_ context.Context, join Join) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	record := m.records[join.Student]
	record.Student = join.Student

	resumes := record.SID != "" && record.Device == join.Device
	if join.Force {
		resumes = record.SID == join.SID
	}

	if !resumes {
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

	have = Merge(have, record)
	if have.Generation > 0 {
		m.records[record.Student] = have
	}

	return have
}

// all returns every record, by student.
func (m *Memory) all() map[string]Record {
	m.mu.Lock()
	defer m.mu.Unlock()

	records := make(map[string]Record, len(m.records))
	for student, record := range m.records {
		records[student] = cloned(record)
	}

	return records
}

// get returns one record; one with only a student if there is none.
func (m *Memory) get(student string) Record {
	m.mu.Lock()
	defer m.mu.Unlock()

	record := m.records[student]
	record.Student = student

	return cloned(record)
}

func cloned(record Record) Record {
	record.Tally = record.Tally.Clone()

	return record
}

// only keeps the candidates of the given types, in order.
func only(candidates []policy.Candidate, types []string) []policy.Candidate {
	var kept []policy.Candidate

	for _, candidate := range candidates {
		if slices.Contains(types, candidate.Type) {
			kept = append(kept, candidate)
		}
	}

	return kept
}
