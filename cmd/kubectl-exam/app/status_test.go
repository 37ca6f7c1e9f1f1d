package app

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

func TestStatusOfAllExams(t *testing.T) {
	t.Parallel()

	exams := []client.Object{
		makeExam("algebra").live().obj(),
		makeExam("biology").title("Biology").
			condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonScheduled, "").
			times(48*time.Hour, 50*time.Hour).obj(),
		makeExam("just-created").obj(),
		makeExam("latin").namespace("languages").obj(),
	}

	tests := map[string]struct {
		args       []string
		want       string
		wantStderr string
	}{
		"one namespace": {
			args: []string{"status"},
			want: `
NAME          STATUS     ENROLLED  STREAMING  FLAGGED  TOP  SFUS  AGE
algebra       Live       5         3          1        64   2/3   26h
biology       Scheduled  0         0          0        0    -     26h
just-created  -          0         0          0        0    -     26h
`,
		},
		"all namespaces": {
			args: []string{"status", "-A"},
			want: `
NAMESPACE  NAME          STATUS     ENROLLED  STREAMING  FLAGGED  TOP  SFUS  AGE
exams      algebra       Live       5         3          1        64   2/3   26h
exams      biology       Scheduled  0         0          0        0    -     26h
exams      just-created  -          0         0          0        0    -     26h
languages  latin         -          0         0          0        0    -     26h
`,
		},
		"wide": {
			args: []string{"status", "-o", "wide", "-n", "languages"},
			want: `
NAME   STATUS  ENROLLED  STREAMING  FLAGGED  TOP  SFUS  AGE  START  END  TITLE
latin  -       0         0          0        0    -     26h  -      -    Linear algebra, final exam
`,
		},
		"names": {
			args: []string{"status", "-o", "name"},
			want: `
exam.exam.invigil.dev/algebra
exam.exam.invigil.dev/biology
exam.exam.invigil.dev/just-created
`,
		},
		"none": {
			args:       []string{"status", "-n", "empty"},
			wantStderr: "No exams found in namespace empty.\n",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, stderr, err := newPlugin(exams...).run(t, test.args...)
			if err != nil {
				t.Fatal(err)
			}

			compare(t, "stdout", lines(test.want), stdout)
			compare(t, "stderr", test.wantStderr, stderr)
		})
	}
}

func TestStatusOfOneExam(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		golden  string
		args    []string
		objects []client.Object
	}{
		"live":    {golden: "live.txt", args: []string{"status", "algebra"}, objects: classroom()},
		"wide":    {golden: "live-wide.txt", args: []string{"status", "algebra", "-o", "wide"}, objects: classroom()},
		"limited": {golden: "live-limit.txt", args: []string{"status", "algebra", "--limit", "2"}, objects: classroom()},
		"json":    {golden: "live.json", args: []string{"status", "algebra", "-o", "json"}, objects: classroom()},
		"yaml":    {golden: "live.yaml", args: []string{"status", "algebra", "-o", "yaml"}, objects: classroom()},
		"unseen": {
			golden: "unseen.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").obj()},
		},
		// What is not available yet is no problem, and tomorrow's end is on its own date.
		"scheduled": {
			golden: "scheduled.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").
				condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonScheduled,
					"Warm-up begins at 12:45.").
				condition(examv1alpha1.ConditionMediaAvailable, metav1.ConditionFalse, examv1alpha1.ReasonUnavailable,
					"No SFU pods yet.").
				times(3*time.Hour, 20*time.Hour).obj()},
		},
		"stalled": {
			golden: "stalled.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").generation(2).
				condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonRosterInvalid, "Line 7: no id.").
				condition(examv1alpha1.ConditionStalled, metav1.ConditionTrue, examv1alpha1.ReasonRosterInvalid,
					"Line 7: no id.").
				condition(examv1alpha1.ConditionReconciling, metav1.ConditionFalse, examv1alpha1.ReasonAvailable, "").obj()},
		},
		"sealed": {
			golden: "sealed.txt", args: []string{"status", "algebra"},
			objects: []client.Object{sealed(makeExam("algebra").
				condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonFinished, "The exam is over.").
				condition(examv1alpha1.ConditionEvidenceSealed, metav1.ConditionTrue, examv1alpha1.ReasonSealed, "").
				times(-3*time.Hour, -time.Hour).obj())},
		},
		"evidence is failing": {
			golden: "failing.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").live().
				condition(examv1alpha1.ConditionEvidenceSealed, metav1.ConditionFalse, examv1alpha1.ReasonRecording, "").
				condition(examv1alpha1.ConditionEvidenceFailing, metav1.ConditionTrue, examv1alpha1.ReasonUnavailable,
					"Evidence cannot be written, and 2 entries wait: no space left on device").obj()},
		},
		"not recorded": {
			golden: "unrecorded.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").
				condition(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive, "").
				condition(examv1alpha1.ConditionEvidenceSealed, metav1.ConditionFalse, examv1alpha1.ReasonNotRecorded,
					"The exam ran before its operator kept evidence, so none is kept of it").
				times(-time.Hour, 0).obj()},
		},
		"finished without end": {
			golden: "open-ended.txt", args: []string{"status", "algebra"},
			objects: []client.Object{makeExam("algebra").
				condition(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive, "").
				times(-time.Hour, 0).obj()},
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, stderr, err := newPlugin(test.objects...).run(t, test.args...)
			if err != nil {
				t.Fatal(err)
			}

			compare(t, "stderr", "", stderr)
			golden(t, test.golden, stdout)
		})
	}
}

// sealed adds evidence that is.
func sealed(exam *examv1alpha1.Exam) *examv1alpha1.Exam {
	exam.Status.Evidence = &examv1alpha1.EvidenceStatus{
		Records: 120, Pictures: 31, Head: strings.Repeat("0123456789abcdef", 4),
		SealedTime: &metav1.Time{Time: now.Add(-59 * time.Minute)},
	}

	return exam
}

func TestStatusFitsATerminal(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("x", 120)
	exam := makeExam("algebra").live().title(long + " " + long).obj()
	exam.Status.Shards[0].Address = long

	session := makeSession(long, long, examv1alpha1.ExamSessionStatus{
		State: examv1alpha1.SessionInterrupted, Score: 100, Level: examv1alpha1.LevelSuspicious, Shard: "algebra-sfu-10",
	})
	another := makeExam(long).namespace("a-namespace-of-a-long-name").
		condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonRosterSecretNotFound, "").obj()

	for _, args := range [][]string{{"status"}, {"status", "-A"}, {"status", "algebra"}} {
		stdout, _, err := newPlugin(exam, session, another).run(t, args...)
		if err != nil {
			t.Fatal(err)
		}

		for line := range strings.Lines(stdout) {
			// A word without a space is not broken: it could be an address.
			if line = strings.TrimSuffix(line, "\n"); cells(line) > 80 && line != long {
				t.Errorf("%v: %d cells: %q", args, cells(line), line)
			}
		}
	}
}

func TestStatusErrors(t *testing.T) {
	t.Parallel()

	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "exam.invigil.dev", Resource: "exams"}, "", errRefused)

	tests := map[string]struct {
		plugin *plugin
		args   []string
		want   string
	}{
		"no such exam": {
			plugin: newPlugin(),
			args:   []string{"status", "algebra"},
			want:   `exam "algebra" not found in namespace "exams"`,
		},
		"may not get": {
			plugin: failing(forbidden),
			args:   []string{"status", "algebra"},
			want:   `not allowed: your role lacks the verb "get" on "exams.exam.invigil.dev" in namespace "exams"`,
		},
		"may not list anywhere": {
			plugin: failing(forbidden),
			args:   []string{"status", "-A"},
			want:   `not allowed: your role lacks the verb "list" on "exams.exam.invigil.dev" in all namespaces`,
		},
		"not installed": {
			plugin: failing(&meta.NoKindMatchError{}),
			args:   []string{"status"},
			want:   `this cluster has no exams.exam.invigil.dev: is Invigil installed in it?`,
		},
		"no answer": {
			plugin: failing(errRefused),
			args:   []string{"status"},
			want:   `list exams.exam.invigil.dev in namespace "exams": connection refused`,
		},
		"one exam of all namespaces": {
			plugin: newPlugin(),
			args:   []string{"status", "algebra", "-A"},
			want:   `an exam is named with its namespace: use -n instead of --all-namespaces`,
		},
		"two exams": {
			plugin: newPlugin(),
			args:   []string{"status", "algebra", "biology"},
			want:   `accepts at most 1 arg(s), received 2`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := test.plugin.run(t, test.args...)
			if err == nil {
				t.Fatalf("no error; printed %q", stdout)
			}

			compare(t, "error", test.want, err.Error())
		})
	}
}

func TestStatusShowsNoControlCharacters(t *testing.T) {
	t.Parallel()

	session := makeSession("eve", "Eve\x1b[2J\u202egnp", examv1alpha1.ExamSessionStatus{})

	stdout, _, err := newPlugin(makeExam("algebra").title("a\x1b[31mb").obj(), session).run(t, "status", "algebra")
	if err != nil {
		t.Fatal(err)
	}

	if strings.ContainsAny(stdout, "\x1b\u202e") {
		t.Errorf("control characters: %q", stdout)
	}
}
