package store

// journalLimit bounds the journal. Reports that counted nothing take one entry
// per session, and a type counts once per TTL, so this is hours for the largest
// exam. Past it counts are not lost: recovery also merges memory's own records.
const journalLimit = 200_000

// entry is one operation that remote has not seen for certain. What it points
// to does not change.
type entry struct {
	join   *Join
	report *Report
	// record is one that Sync was given.
	record *Record
}

// journal is what memory accepted while remote was away, in order.
type journal struct {
	entries []entry
	// flying were taken to be written back, and may have to be put back.
	flying []entry
	// last is where a session's newest entry is, if that is a report without
	// violations: the next such report replaces it.
	last map[string]int
	// kept is where a student's entry of what is kept is: the next such record is
	// merged into it, since these may come in any order.
	kept map[string]int
}

func newJournal() journal { return journal{last: map[string]int{}, kept: map[string]int{}} }

// len is how many wait; what is being written back is not among them.
func (j *journal) len() int { return len(j.entries) }

// append says whether the entry found room.
func (j *journal) append(e entry) bool {
	if e.record != nil {
		return j.keep(e)
	}

	student := ""

	switch {
	case e.report != nil:
		student = e.report.Student
		at, found := j.last[student]

		if quiet := len(e.report.Violations) == 0; quiet && found && j.entries[at].report.SID == e.report.SID {
			j.entries[at] = e

			return true
		}
	case e.join != nil:
		student = e.join.Student
	}

	delete(j.last, student)

	if len(j.entries) >= journalLimit {
		return false
	}

	if e.report != nil && len(e.report.Violations) == 0 {
		j.last[student] = len(j.entries)
	}

	j.entries = append(j.entries, e)

	return true
}

// keep is append for a record.
func (j *journal) keep(e entry) bool {
	student := e.record.Student

	// One that says more than what is kept has its place in the order.
	mergeable := e.record.Generation == 0 && len(e.record.Tally) == 0

	if at, found := j.kept[student]; found && mergeable {
		merged := Merge(*j.entries[at].record, *e.record)
		j.entries[at] = entry{record: &merged}

		return true
	}

	if len(j.entries) >= journalLimit {
		return false
	}

	delete(j.last, student)

	if mergeable {
		j.kept[student] = len(j.entries)
	}

	j.entries = append(j.entries, e)

	return true
}

// take empties the journal. What it returns counts as being written back until
// putBack.
func (j *journal) take() []entry {
	j.flying = j.entries
	j.entries, j.last, j.kept = nil, map[string]int{}, map[string]int{}

	return j.flying
}

// putBack puts entries that were not written back before those that came since.
// Both are appended anew, so that what says the same again is not kept twice.
func (j *journal) putBack(entries []entry) {
	j.flying = nil

	if len(entries) == 0 {
		return
	}

	newer := j.entries
	*j = newJournal()

	for _, part := range [][]entry{entries, newer} {
		for _, e := range part {
			if !j.append(e) {
				j.entries = append(j.entries, e) // It had its place already.
			}
		}
	}
}

// all is a copy of everything that remote may not have.
func (j *journal) all() []entry {
	all := make([]entry, 0, len(j.flying)+len(j.entries))

	return append(append(all, j.flying...), j.entries...)
}
