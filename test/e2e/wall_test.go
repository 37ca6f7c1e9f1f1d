//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	wallExam = "wall"
	// wallStudents all send video: of those whom nobody watches, next to nothing is
	// asked for, and a wall watches a screen full.
	wallStudents = 200
)

// TestWall is an exam of 200 students, half of them on each pod, as one invigilator
// sees it in a browser.
func TestWall(t *testing.T) {
	s := newSuite(t)

	if output, err := s.apply(t, wallManifest()); err != nil {
		t.Fatalf("apply the exam: %v\n%s", err, output)
	}

	inOrder(t, []step{
		{"becomes ready", func(t *testing.T) {
			s.run(t, "wait", "--for=condition=Ready", "exam/"+wallExam, "--timeout=240s")
		}},
		{"all students stream", s.startCrowd},
		{"the wall shows moving pictures and right scores, and ends an exam", s.testWall},
	})
}

// wallManifest has the planted students, and so many others.
func wallManifest() string {
	var manifest strings.Builder

	manifest.WriteString(`
apiVersion: exam.invigil.dev/v1alpha1
kind: Exam
metadata: {name: ` + wallExam + `}
spec:
  title: Two hundred at once
  schedule: {duration: 2h}
  media: {studentsPerPod: 100, spares: 0, resources: {requests: {cpu: 100m, memory: 64Mi}}}
  roster:
    students:
`)

	for _, id := range slices.Sorted(maps.Keys(plantedStudents)) {
		fmt.Fprintf(&manifest, "    - {id: %s}\n", id)
	}

	for i := range wallStudents - len(plantedStudents) {
		fmt.Fprintf(&manifest, "    - {id: s%03d, name: Student %03d}\n", i, i)
	}

	return manifest.String()
}

func (s *suite) startCrowd(t *testing.T) {
	s.startLab(t, wallExam, wallStudents, plantedStudents)
	eventually(t, 3*time.Minute, func(ctx context.Context) string {
		if streaming := s.exam(ctx, t, wallExam).Status.Students.Streaming; streaming != wallStudents {
			return fmt.Sprintf("%d stream", streaming)
		}

		return ""
	})
	s.awaitPlanted(t, wallExam)
}

// tile is what one student's tile says.
type tile struct {
	Score int32              `json:"score"`
	Level examv1alpha1.Level `json:"level"`
}

func (s *suite) testWall(t *testing.T) {
	opened := s.start(t, "open-wall", program(t.Context(), filepath.Join(s.root, "bin", "kubectl-exam"),
		"-n", s.namespace, "open", wallExam, "--wall", "--browser=false", "--port", "0"))
	address := strings.TrimSpace(strings.TrimPrefix(opened.awaitLine(t, "Wall: ", 60*time.Second), "Wall: "))

	invigilator := s.start(t, "invigilator", program(t.Context(), "node",
		filepath.Join(s.root, "test/browser/invigilator.mjs"), "--url", address,
		"--students", strconv.Itoa(wallStudents), "--artifacts", s.artifacts(t)))
	invigilator.awaitLine(t, "playing ", 2*time.Minute)

	_, data, _ := strings.Cut(invigilator.awaitLine(t, "seen ", 10*time.Minute), " ")

	seen := map[string]tile{}
	if err := json.Unmarshal([]byte(data), &seen); err != nil {
		t.Fatalf("%v: %s", err, data)
	}

	for id, student := range plantedStudents {
		if want := (tile{student.score, student.level}); seen[id] != want {
			t.Errorf("the wall shows %s with %+v, want %+v", id, seen[id], want)
		}
	}

	sessions := &examv1alpha1.ExamSessionList{}
	if err := s.List(t.Context(), sessions, client.InNamespace(s.namespace)); err != nil {
		t.Fatal(err)
	}

	told := map[string]tile{}
	for _, session := range sessions.Items {
		told[session.Spec.Student.ID] = tile{session.Status.Score, session.Status.Level}
	}

	if diff := cmp.Diff(told, seen); diff != "" {
		t.Errorf("what the wall shows (+) is not what the cluster says (-):\n%s", diff)
	}

	invigilator.say(t, "terminate eve")
	invigilator.awaitLine(t, "terminated eve", time.Minute)
	s.awaitSession(t, wallExam, "eve", examv1alpha1.SessionTerminated, false, 30*time.Second)
}
