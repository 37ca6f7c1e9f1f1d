package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const plannedExam = `apiVersion: v1
kind: Namespace
metadata: {name: exams}
---
apiVersion: exam.invigil.dev/v1alpha1
kind: Exam
metadata: {name: algebra}
spec:
  title: Algebra
  schedule: {startTime: "2026-03-03T09:00:00Z", duration: 2h}
  roster: {secretRef: {name: students}}
`

func manifest(t *testing.T, name, text string) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

// The numbers follow from the formulas of package plan and the schema's defaults:
// 100 students a pod, one spare, a warm-up of 15 min, a grace of 30 s, and a minute
// for what is on its way.
func TestPlan(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		golden   string
		manifest string
		args     []string
	}{
		"students": {golden: "plan.txt", manifest: plannedExam, args: []string{"--students", "250"}},
		"nodes and cost": {
			golden: "plan-cost.txt", manifest: plannedExam,
			args: []string{
				"--students", "250", "--node-cpu", "1", "--node-memory", "4Gi", "--walls", "2",
				"--price-per-vcpu-hour", "0.04", "--price-per-gib-hour", "0.005", "--price-per-gb-egress", "0.1",
			},
		},
		"json": {golden: "plan.json", manifest: plannedExam, args: []string{"--students", "250", "-o", "json"}},
		"no end": {
			golden: "plan-open.txt", args: []string{"--price-per-vcpu-hour", "0.04"},
			manifest: "apiVersion: exam.invigil.dev/v1alpha1\nkind: Exam\nmetadata: {name: algebra}\n" +
				"spec: {title: Algebra, roster: {students: [{id: ada}, {id: kurt}]}, media: {spares: 0, studentsPerPod: 1}}\n",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			args := append([]string{"plan", "-f", manifest(t, "exam.yaml", test.manifest)}, test.args...)

			stdout, _, err := newPlugin().run(t, args...)
			if err != nil {
				t.Fatal(err)
			}

			golden(t, test.golden, stdout)
		})
	}
}

func TestPlanReadsARoster(t *testing.T) {
	t.Parallel()

	students := manifest(t, "students.csv", "id,extraTime\nada,30m\nkurt,\n")

	stdout, _, err := newPlugin().run(t, "plan", "-f", manifest(t, "exam.yaml", plannedExam), "--roster", students)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{"Students:    2\n", "2026-03-03 11:31 UTC, 2h46m30s\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q:\n%s", want, stdout)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		manifest string
		args     []string
		want     string // the error's end
	}{
		"who": {plannedExam, nil, "the roster is in a Secret: say with --roster FILE or --students N who is in it"},
		"no such field": {
			strings.ReplaceAll(plannedExam, "title:", "titel:"), []string{"--students", "2"}, `unknown field "titel"`,
		},
		"no Exam": {"kind: Pod\n", nil, "there is no Exam of exam.invigil.dev/v1alpha1 in it"},
		"two":     {plannedExam + "---\n" + plannedExam, nil, "there is more than one Exam in it: plan them one by one"},
		"too many pods": {
			plannedExam + "  media: {studentsPerPod: 1}\n", []string{"--students", "64"}, "raise spec.media.studentsPerPod",
		},
		"a small node": {
			plannedExam, []string{"--students", "2", "--node-cpu", "100m", "--node-memory", "4Gi"},
			"a pod of sfu requests 400m CPU and 164Mi, more than a node has",
		},
		"half a node": {plannedExam, []string{"--students", "2", "--node-cpu", "4"}, "--node-cpu and --node-memory go together"},
		"before it opens": {
			strings.ReplaceAll(plannedExam, "duration: 2h", `endTime: "2026-03-01T09:00:00Z"`), []string{"--students", "2"},
			"spec.schedule: the exam ends before it opens",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			args := append([]string{"plan", "-f", manifest(t, "exam.yaml", test.manifest)}, test.args...)

			_, _, err := newPlugin().run(t, args...)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
