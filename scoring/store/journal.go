package store

// journalLimit bounds the journal. Reports that counted nothing take one entry
// per session, and a type counts once per TTL, so this is hours for the largest
// exam. Past it counts are not lost: recovery also merges memory's own records.
const journalLimit = 200_000

// entry is one operation that remote has not seen for certain.
type entry struct {
	join   *Join
	report *Report
}

// journal is what memory accepted while remote was away, in order.
type journal struct {
	entries []entry
	// last is where a session's newest entry is, if that is a report without
	// violations: the next such report replaces it.
	last map[string]int
}

func newJournal() journal { return journal{last: map[string]int{}} }

func (j *journal) len() int { return len(j.entries) }

// append says whether the entry found room.
func (j *journal) append(e entry) bool {
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

// take empties the journal.
func (j *journal) take() []entry {
	taken := j.entries
	*j = newJournal()

	return taken
}

// putBack puts entries before those that came since.
func (j *journal) putBack(entries []entry) {
	j.entries = append(entries[:len(entries):len(entries)], j.entries...)
	j.last = map[string]int{}
}
