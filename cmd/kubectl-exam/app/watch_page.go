package app

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// watchPage is an exam as `kubectl exam watch` shows it.
type watchPage struct {
	exam     *examv1alpha1.Exam
	sessions []examv1alpha1.ExamSession
	// trouble is why the cluster does not tell of changes now.
	trouble  string
	now      time.Time
	location *time.Location
}

// write writes the page with at most limit lines of students; 0: with all.
func (p *watchPage) write(w io.Writer, width, limit int) error {
	out := &bytes.Buffer{}
	p.writeHeader(out, width)
	fmt.Fprintln(out)

	switch shown := p.shown(limit); {
	case len(p.sessions) == 0:
		fmt.Fprintln(out, "No sessions yet.")
	default:
		if err := watchTable(p.sessions[:shown], p.now).write(out, width); err != nil {
			return err
		}

		if hidden := len(p.sessions) - shown; hidden > 0 {
			fmt.Fprintf(out, "... and %d more.\n", hidden)
		}
	}

	_, err := w.Write(out.Bytes())

	return err
}

// shown is how many students fit into limit lines, one of which says how many do
// not.
func (p *watchPage) shown(limit int) int {
	if limit <= 0 || len(p.sessions) <= limit {
		return len(p.sessions)
	}

	return limit - 1
}

func (p *watchPage) writeHeader(out *bytes.Buffer, width int) {
	page := examPage{exam: p.exam, now: p.now, location: p.location}
	students, scores := p.exam.Status.Students, p.exam.Status.Scores

	field(out, width, "Exam:", p.exam.Namespace+"/"+p.exam.Name+", "+p.exam.Spec.Title)
	field(out, width, "Status:", page.status())
	field(out, width, "Time:", page.times())
	field(out, width, "Students:", fmt.Sprintf("%d enrolled, %d joined, %d streaming, %d interrupted, %d finished",
		students.Enrolled, students.Joined, students.Streaming, students.Interrupted, students.Finished))
	field(out, width, "Scores:", fmt.Sprintf("highest %d, mean %d, %d flagged", scores.Highest, scores.Mean, students.Flagged))

	label := "Problems:"
	for _, problem := range page.problems() {
		field(out, width, label, problem)

		label = ""
	}

	if p.trouble != "" {
		field(out, width, "Cluster:", "does not answer, so this is how it was; trying again: "+p.trouble)
	}
}

// screenful is the page in lines that end in clearRight, so that it can be drawn
// over the one before, and no more of them than the terminal has.
func (p *watchPage) screenful(columns, rows int) (string, error) {
	header := &bytes.Buffer{}
	p.writeHeader(header, columns)

	out := &bytes.Buffer{}
	// One line for each of: blank, titles, and the cursor at the end.
	room := rows - bytes.Count(header.Bytes(), []byte("\n")) - 3
	if err := p.write(out, columns, max(room, 1)); err != nil {
		return "", err
	}

	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	lines = lines[:min(len(lines), max(rows-1, 1))]

	text := &strings.Builder{}
	for _, line := range lines {
		text.WriteString(cut(line, columns) + clearRight + "\n")
	}

	return text.String(), nil
}

// watchTable lists sessions, one a line: what an invigilator acts on.
func watchTable(sessions []examv1alpha1.ExamSession, now time.Time) *table {
	t := &table{columns: []column{
		{title: "STUDENT", shrink: 2},
		{title: "NAME", shrink: 2},
		{title: "SCORE"},
		{title: "LEVEL"},
		{title: "STATE"},
		{title: "STREAMING"},
		{title: "SEEN"},
		{title: "VIOLATIONS", shrink: 1},
	}}

	for i := range sessions {
		student, status := sessions[i].Spec.Student, &sessions[i].Status
		t.rows = append(t.rows, []string{
			student.ID,
			cmp.Or(student.Name, none),
			count(status.Score),
			cmp.Or(string(status.Level), none),
			cmp.Or(string(status.State), none),
			yesNo(status.Streaming),
			age(now, status.LastSeenTime),
			cmp.Or(violations(status.Violations), none),
		})
	}

	return t
}

// examLine says how the exam does, for programs that read lines.
func examLine(exam *examv1alpha1.Exam) string {
	students := exam.Status.Students

	var problems []string
	for _, c := range exam.Status.Conditions {
		if page := (examPage{exam: exam}); page.isProblem(&c) {
			problems = append(problems, c.Type)
		}
	}

	return fmt.Sprintf(
		"status=%s enrolled=%d joined=%d streaming=%d interrupted=%d finished=%d flagged=%d highest=%d problems=%s",
		statusOf(exam), students.Enrolled, students.Joined, students.Streaming, students.Interrupted, students.Finished,
		students.Flagged, exam.Status.Scores.Highest, cmp.Or(strings.Join(problems, ","), none))
}

// sessionLine says how a student does. When they were seen is no change.
func sessionLine(session *examv1alpha1.ExamSession) string {
	status := &session.Status

	var counted []string
	for _, v := range status.Violations {
		counted = append(counted, fmt.Sprintf("%s:%d", v.Type, v.Count))
	}

	return fmt.Sprintf("state=%s streaming=%s score=%d level=%s violations=%s",
		cmp.Or(string(status.State), none), yesNo(status.Streaming), status.Score,
		cmp.Or(string(status.Level), none), cmp.Or(strings.Join(counted, ","), none))
}
