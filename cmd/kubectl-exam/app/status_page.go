package app

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// examPage is one exam with its students, for people.
type examPage struct {
	exam     *examv1alpha1.Exam
	sessions []examv1alpha1.ExamSession
	limit    int
	wide     bool
	now      time.Time
	location *time.Location
}

// write writes the page; only tables are cut to width, 0 being without limit.
func (p *examPage) write(w io.Writer, width int) error {
	out := &bytes.Buffer{}
	p.writeHeader(out, max(width, defaultWidth))

	if problems := p.problems(); len(problems) > 0 {
		fmt.Fprintln(out, "\nNot as it should be:")

		for _, problem := range problems {
			for i, line := range wrap(problem, max(width, defaultWidth)-4) {
				fmt.Fprintln(out, [2]string{"  - ", "    "}[min(i, 1)]+line)
			}
		}
	}

	if shards := p.exam.Status.Shards; len(shards) > 0 {
		fmt.Fprintln(out)

		if err := shardTable(shards).write(out, width); err != nil {
			return err
		}
	}

	if err := p.writeSessions(out, width); err != nil {
		return err
	}

	_, err := w.Write(out.Bytes())

	return err
}

func (p *examPage) writeHeader(out *bytes.Buffer, width int) {
	status := &p.exam.Status

	for _, line := range wrap(p.exam.Spec.Title, width) {
		fmt.Fprintln(out, line)
	}

	fmt.Fprintln(out)
	field(out, width, "Exam:", p.exam.Namespace+"/"+p.exam.Name)
	field(out, width, "Status:", p.status())
	field(out, width, "Time:", p.times())

	students := status.Students
	field(out, width, "Students:", fmt.Sprintf("%d enrolled, %d joined, %d streaming, %d interrupted, %d finished",
		students.Enrolled, students.Joined, students.Streaming, students.Interrupted, students.Finished))
	field(out, width, "Scores:", fmt.Sprintf("highest %d, mean %d, %d flagged",
		status.Scores.Highest, status.Scores.Mean, students.Flagged))

	if len(status.Violations) > 0 {
		field(out, width, "Violations:", violationTotals(status.Violations))
	}

	if status.Plan != nil {
		field(out, width, "Plan:", planText(status.Plan))
	}

	if text := p.evidence(); text != "" {
		field(out, width, "Evidence:", text)
	}

	if status.URL != "" {
		field(out, width, "Address:", status.URL)
	}

	if status.DashboardURL != "" {
		field(out, width, "Wall:", status.DashboardURL)
	}
}

// evidence says how much is recorded, and whether it is complete or in danger; ""
// where there is nothing to say.
func (p *examPage) evidence() string {
	conditions, status := p.exam.Status.Conditions, p.exam.Status.Evidence

	sealed := meta.FindStatusCondition(conditions, examv1alpha1.ConditionEvidenceSealed)
	if sealed != nil && sealed.Reason == examv1alpha1.ReasonNotRecorded {
		return "none: " + sealed.Message
	}

	if status == nil {
		return ""
	}

	text := fmt.Sprintf("%d records, %d pictures", status.Records, status.Pictures)

	switch {
	case meta.IsStatusConditionTrue(conditions, examv1alpha1.ConditionEvidenceFailing):
		text += "; failing"
	case status.SealedTime == nil:
		text += "; recording"
	}

	if status.SealedTime != nil {
		text += "; sealed " + at(status.SealedTime, p.location) + ", head " + status.Head
	}

	return text
}

// status is the Ready condition's reason and message.
func (p *examPage) status() string {
	ready := meta.FindStatusCondition(p.exam.Status.Conditions, examv1alpha1.ConditionReady)

	switch {
	case ready == nil:
		return "not seen by the operator yet; does it run?"
	case ready.Message == "":
		return ready.Reason
	default:
		return ready.Reason + ": " + ready.Message
	}
}

// times says when the exam runs and how far away its next turn is.
func (p *examPage) times() string {
	start, end := p.exam.Status.StartTime, p.exam.Status.EndTime
	if start.IsZero() {
		return "not set yet"
	}

	text := "from " + at(start, p.location)

	switch {
	case end.IsZero():
		text += " until it is deleted"
	case sameDay(start.In(p.location), end.In(p.location)):
		text += " to " + end.In(p.location).Format("15:04")
	default:
		text += " to " + at(end, p.location)
	}

	switch {
	case p.now.Before(start.Time):
		return text + "; begins in " + duration.HumanDuration(start.Sub(p.now))
	case end.IsZero():
		return text
	case p.now.Before(end.Time):
		return text + "; ends in " + duration.HumanDuration(end.Sub(p.now))
	default:
		return text + "; ended " + duration.HumanDuration(p.now.Sub(end.Time)) + " ago"
	}
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

func planText(p *examv1alpha1.Plan) string {
	text := fmt.Sprintf("%d SFU pods (%d spare) for %d students each", p.Pods, p.Spares, p.StudentsPerPod)
	if p.CPU != nil {
		text += ", CPU " + p.CPU.String()
	}

	return text + fmt.Sprintf(", %.1f Mbit/s", float64(p.IngressKbps)/1000)
}

// problems are the conditions that are not as they should be.
func (p *examPage) problems() []string {
	var problems []string

	for i := range p.exam.Status.Conditions {
		if c := &p.exam.Status.Conditions[i]; p.isProblem(c) {
			problem := fmt.Sprintf("%s is %s (%s)", c.Type, c.Status, c.Reason)
			if c.Message != "" {
				problem += ": " + c.Message
			}

			problems = append(problems, problem)
		}
	}

	if ready := meta.FindStatusCondition(p.exam.Status.Conditions, examv1alpha1.ConditionReady); ready != nil &&
		ready.ObservedGeneration < p.exam.Generation {
		problems = append(problems, "The operator has not acted on the latest change of the Exam yet.")
	}

	return problems
}

func (p *examPage) isProblem(c *metav1.Condition) bool {
	switch c.Type {
	case examv1alpha1.ConditionReady, examv1alpha1.ConditionInSession, examv1alpha1.ConditionEvidenceSealed:
		return false // the page says them in words
	case examv1alpha1.ConditionReconciling, examv1alpha1.ConditionStalled, examv1alpha1.ConditionEvidenceFailing,
		examv1alpha1.ConditionUpdateHeld, examv1alpha1.ConditionColocated:
		return c.Status == metav1.ConditionTrue
	}

	switch statusOf(p.exam) {
	case examv1alpha1.ReasonScheduled, examv1alpha1.ReasonFinished, examv1alpha1.ReasonTerminating:
		return false // there is nothing that should be available
	default:
		return c.Status != metav1.ConditionTrue
	}
}

func (p *examPage) writeSessions(out *bytes.Buffer, width int) error {
	fmt.Fprintln(out)

	if len(p.sessions) == 0 {
		fmt.Fprintln(out, "No sessions yet.")

		return nil
	}

	shown := p.sessions
	if p.limit > 0 && len(shown) > p.limit {
		shown = shown[:p.limit]
	}

	if err := sessionTable(p.exam.Name, shown, p.wide, p.now).write(out, width); err != nil {
		return err
	}

	if hidden := len(p.sessions) - len(shown); hidden > 0 {
		fmt.Fprintf(out, "... and %d more; --limit 0 shows all.\n", hidden)
	}

	return nil
}

// shard is the SFU pod's name, without the exam's where space is short.
func shard(exam, pod string, whole bool) string {
	if whole {
		return pod
	}

	return strings.TrimPrefix(pod, exam+"-")
}

func violations(list []examv1alpha1.SessionViolations) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprintf("%s %d", v.Type, v.Count)
	}

	return strings.Join(parts, ", ")
}

func violationTotals(list []examv1alpha1.ViolationTotal) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprintf("%s %d", v.Type, v.Count)
	}

	return strings.Join(parts, ", ")
}
