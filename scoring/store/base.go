package store

import (
	"slices"

	"github.com/invigil/invigil/scoring/policy"
)

// What Failover needs of its Memory beyond the rules: which records start from
// what remote holds. Those decide as remote would. The others are of students
// whom a process has met only since it started without remote: provisional, they
// give a live score, and remote decides once it has returned.

// base merges records that remote gave.
func (m *Memory) base(records ...Record) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()

	merged := make([]Record, 0, len(records))

	for _, record := range records {
		m.based[record.Student] = true
		merged = append(merged, cloned(m.merge(record)))
	}

	return merged
}

// remember is base for one record, quickly where it says all that is known
// already and more, as the answer to a report nearly always does.
func (m *Memory) remember(record Record) Record {
	m.mu.Lock()
	defer m.mu.Unlock()

	if !m.based[record.Student] {
		m.based[record.Student] = true
	}

	if have := m.records[record.Student]; !covers(&record, &have) {
		return cloned(m.merge(record))
	}

	m.records[record.Student] = cloned(record)

	return record
}

// covers is whether the merger of both would be record.
func covers(record, have *Record) bool {
	if record.SID != have.SID || record.Device != have.Device || record.JoinedAt != have.JoinedAt ||
		record.Generation < have.Generation || record.Seq < have.Seq || (have.Live && !record.Live) ||
		len(have.Actions) > 0 || len(have.Marks) > 0 {
		return false
	}

	for violation, count := range have.Tally {
		if now, known := record.Tally[violation]; !known || now.N < count.N || now.LastAt < count.LastAt {
			return false
		}
	}

	return true
}

func (m *Memory) isBased(student string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.based[student]
}

// provisional are the students with a provisional record.
func (m *Memory) provisional() []string {
	m.mu.Lock()
	defer m.mu.Unlock()

	var students []string

	for student := range m.records {
		if !m.based[student] {
			students = append(students, student)
		}
	}

	return students
}

// forget drops a record.
func (m *Memory) forget(student string) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.records, student)
	delete(m.old, student)
}

// all returns every record, only those that are based if that is asked for.
func (m *Memory) all(based bool) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()

	records := make([]Record, 0, len(m.records))

	for student, record := range m.records {
		if m.based[student] || !based {
			records = append(records, cloned(record))
		}
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
