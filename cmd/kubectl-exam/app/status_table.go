package app

import (
	"cmp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// none stands where there is nothing to say.
const none = "-"

// examTable lists exams, one a line.
func examTable(exams []examv1alpha1.Exam, namespaces, wide bool, now time.Time, location *time.Location) *table {
	t := &table{columns: []column{
		{title: "NAME", shrink: 1},
		{title: "STATUS", shrink: 2},
		{title: "ENROLLED"},
		{title: "STREAMING"},
		{title: "FLAGGED"},
		{title: "TOP"},
		{title: "SFUS"},
		{title: "AGE"},
	}}
	if namespaces {
		t.columns = append([]column{{title: "NAMESPACE", shrink: 1}}, t.columns...)
	}

	if wide {
		t.columns = append(t.columns, column{title: "START"}, column{title: "END"}, column{title: "TITLE"})
	}

	for i := range exams {
		exam := &exams[i]
		row := []string{
			exam.Name,
			statusOf(exam),
			count(exam.Status.Students.Enrolled),
			count(exam.Status.Students.Streaming),
			count(exam.Status.Students.Flagged),
			count(exam.Status.Scores.Highest),
			cmp.Or(exam.Status.ShardsReady, none),
			age(now, &exam.CreationTimestamp),
		}

		if namespaces {
			row = append([]string{exam.Namespace}, row...)
		}

		if wide {
			row = append(row, at(exam.Status.StartTime, location), at(exam.Status.EndTime, location), exam.Spec.Title)
		}

		t.rows = append(t.rows, row)
	}

	return t
}

// sessionTable lists sessions, one a line.
func sessionTable(exam string, sessions []examv1alpha1.ExamSession, wide bool, now time.Time) *table {
	t := &table{columns: []column{
		{title: "STUDENT", shrink: 1},
		{title: "NAME", shrink: 1},
		{title: "STATE"},
		{title: "STREAMING"},
		{title: "SCORE"},
		{title: "LEVEL"},
		{title: "SHARD", shrink: 2},
		{title: "SEEN"},
	}}
	if wide {
		t.columns = append(t.columns, column{title: "JOINED"}, column{title: "VIOLATIONS"}, column{title: "SESSION"})
	}

	for i := range sessions {
		session := &sessions[i]
		status := &session.Status
		row := []string{
			session.Spec.Student.ID,
			cmp.Or(session.Spec.Student.Name, none),
			cmp.Or(string(status.State), none),
			yesNo(status.Streaming),
			count(status.Score),
			cmp.Or(string(status.Level), none),
			cmp.Or(shard(exam, status.Shard, wide), none),
			age(now, status.LastSeenTime),
		}

		if wide {
			row = append(row, age(now, status.JoinTime), cmp.Or(violations(status.Violations), none), session.Name)
		}

		t.rows = append(t.rows, row)
	}

	return t
}

// shardTable lists an exam's SFU pods.
func shardTable(shards []examv1alpha1.ShardStatus) *table {
	t := &table{columns: []column{
		{title: "SFU", shrink: 2}, {title: "READY"}, {title: "STREAMING"}, {title: "ADDRESS", shrink: 1},
	}}
	for _, s := range shards {
		t.rows = append(t.rows, []string{s.Name, yesNo(s.Ready), count(s.Streaming), cmp.Or(s.Address, none)})
	}

	return t
}

// statusOf is the STATUS of an exam: the reason of its Ready condition.
func statusOf(exam *examv1alpha1.Exam) string {
	ready := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionReady)
	if ready == nil {
		return none
	}

	return ready.Reason
}

// at is a time as people write it, or a dash.
func at(t *metav1.Time, location *time.Location) string {
	if t.IsZero() {
		return none
	}

	return t.In(location).Format("2006-01-02 15:04 MST")
}

// age is how long ago t is, as kubectl writes it, or a dash.
func age(now time.Time, t *metav1.Time) string {
	if t.IsZero() {
		return none
	}

	// Clocks of two machines differ a little.
	return duration.HumanDuration(max(0, now.Sub(t.Time)))
}

func count[T int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}

	return "no"
}
