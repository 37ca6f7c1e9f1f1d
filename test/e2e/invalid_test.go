//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// TestInvalidExams: what the schema can know is refused at admission with one
// clear message.
func TestInvalidExams(t *testing.T) {
	s := newSuite(t)
	const one = "roster: {students: [{id: ada}]}\n  "
	tests := map[string]struct{ spec, want string }{
		"empty roster": {"roster: {students: []}", "spec.roster.students"},
		"no roster":    {"roster: {}", "set exactly one of students and secretRef"},
		"one id twice": {"roster: {students: [{id: ada}, {id: ada}]}", `Duplicate value: {"id":"ada"}`},
		"end before start": {
			one + "schedule: {startTime: 2031-01-01T10:00:00Z, endTime: 2031-01-01T09:00:00Z}",
			"endTime must be after startTime",
		},
		"negative duration":      {one + "schedule: {duration: -1h}", "duration must be positive"},
		"unknown violation type": {one + "policy: {violations: [{type: Yawning}]}", `Unsupported value: "Yawning"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			output, err := s.apply(t, manifest("bad", tc.spec))
			if err == nil || !strings.Contains(output, tc.want) {
				t.Errorf("apply: %v\n%s\nwant a refusal with %q", err, output, tc.want)
			}
		})
	}
}

// TestRosterSecret: what only the operator can know becomes a condition and an
// event, and goes away when the roster is mended.
func TestRosterSecret(t *testing.T) {
	s := newSuite(t)
	if output, err := s.apply(t, manifest("by-secret", "roster: {secretRef: {name: roster}}")); err != nil {
		t.Fatalf("apply: %v\n%s", err, output)
	}

	await := func(reason, message string) {
		t.Helper()
		eventually(t, 30*time.Second, func(ctx context.Context) string {
			ready := meta.FindStatusCondition(s.exam(ctx, t, "by-secret").Status.Conditions, examv1alpha1.ConditionReady)
			if ready == nil || ready.Reason != reason || !strings.Contains(ready.Message, message) {
				return fmt.Sprintf("Ready is %+v, want %s with %q", ready, reason, message)
			}

			return ""
		})
	}
	await(examv1alpha1.ReasonRosterSecretNotFound, "roster")

	s.run(t, "create", "secret", "generic", "roster", "--from-literal=roster.csv=id,name\nada,Ada\nada,Ada again\n")
	await(examv1alpha1.ReasonRosterInvalid, "line 3")

	events := s.run(t, "get", "events", "--field-selector=reason="+examv1alpha1.ReasonRosterInvalid)
	if !strings.Contains(events, "line 3") {
		t.Errorf("no event names the line:\n%s", events)
	}

	s.run(t, "delete", "secret", "roster")
	s.run(t, "create", "secret", "generic", "roster", "--from-literal=roster.csv=id,name\nada,Ada\ngrace,Grace\n")
	s.run(t, "wait", "--for=condition=Ready", "exam/by-secret", "--timeout=180s")
	s.run(t, "delete", "exam/by-secret", "--timeout=90s")
}

// manifest is an Exam of that name with lines of spec.
func manifest(name, spec string) string {
	return "apiVersion: exam.invigil.dev/v1alpha1\nkind: Exam\nmetadata: {name: " + name + "}\n" +
		"spec:\n  title: An exam\n  " + spec + "\n"
}
