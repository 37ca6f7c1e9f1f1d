//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const plantedExam = "planted"

// plantedManifest is an exam without an end, until the test gives it one.
const plantedManifest = `
apiVersion: exam.invigil.dev/v1alpha1
kind: Exam
metadata: {name: ` + plantedExam + `}
spec:
  title: Behaviour that is known
  schedule: {grace: 0s}
  roster:
    students:
    - {id: ada, name: Ada}
    - {id: bob, name: Bob}
    - {id: carla, name: Carla}
    - {id: dora, name: Dora}
    - {id: eve, name: Eve}
  media: {studentsPerPod: 5, spares: 0}
  evidence: {pictureInterval: 20s}
`

// planted is what a student does and what must come of it, worked out by hand from
// the policy's defaults (docs/exam.md):
//
//	weight: MultipleFaces 30; FaceMissing, CameraBlackout 10; FocusLost 5;
//	        GazeDeviation, HeadTurned 4; Speaking 2; LowQuality 1
//	level:  watch from 10, suspicious from 30, critical from 60
type planted struct {
	// signs is what the lab is told.
	signs string
	// score of the counted signs: one within the ttl of another of its type is not.
	score      int32
	level      examv1alpha1.Level
	violations map[examv1alpha1.ViolationType]int32
}

var plantedStudents = map[string]planted{
	"ada": {level: examv1alpha1.LevelClear, violations: map[examv1alpha1.ViolationType]int32{}},
	// 5 + 4.
	"bob": {
		signs: "FocusLost@5s,GazeDeviation@10s", score: 9, level: examv1alpha1.LevelClear,
		violations: map[examv1alpha1.ViolationType]int32{"FocusLost": 1, "GazeDeviation": 1},
	},
	// 5 once, since the ttl is 20 s, and 4 + 2 + 1.
	"carla": {
		signs: "FocusLost@5s,FocusLost@12s,HeadTurned@8s,Speaking@8s,LowQuality@8s", score: 12, level: examv1alpha1.LevelWatch,
		violations: map[examv1alpha1.ViolationType]int32{"FocusLost": 1, "HeadTurned": 1, "Speaking": 1, "LowQuality": 1},
	},
	// 10 twice, since the ttl of 30 s is over, and 10.
	"dora": {
		signs: "FaceMissing@5s,CameraBlackout@8s,FaceMissing@45s", score: 30, level: examv1alpha1.LevelSuspicious,
		violations: map[examv1alpha1.ViolationType]int32{"FaceMissing": 2, "CameraBlackout": 1},
	},
	// 30 + (10 + 10) + (5 + 4 + 4).
	"eve": {
		signs: "MultipleFaces@5s,FaceMissing@5s,CameraBlackout@5s,FocusLost@8s,GazeDeviation@8s,HeadTurned@8s",
		score: 63, level: examv1alpha1.LevelCritical,
		violations: map[examv1alpha1.ViolationType]int32{
			"MultipleFaces": 1, "FaceMissing": 1, "CameraBlackout": 1, "FocusLost": 1, "GazeDeviation": 1, "HeadTurned": 1,
		},
	},
}

// TestPlanted follows students whose behaviour is known: what is counted of it, in
// every place that says so, and what the record of it proves afterwards.
func TestPlanted(t *testing.T) {
	s := newSuite(t)

	if output, err := s.apply(t, plantedManifest); err != nil {
		t.Fatalf("apply the exam: %v\n%s", err, output)
	}

	inOrder(t, []step{
		{"becomes ready", func(t *testing.T) {
			s.run(t, "wait", "--for=condition=Ready", "exam/"+plantedExam, "--timeout=240s")
		}},
		{"students come and behave as planned", s.startPlanted},
		{"each session has the expected score", s.testPlantedSessions},
		{"the exam sums them up", s.testPlantedExam},
		{"kubectl exam status says the same", s.testPlantedTable},
		{"an invigilator works with kubectl alone", s.testPlugin},
		{"its evidence is sealed at the end", s.testSealed},
		{"its evidence verifies", s.testEvidenceVerifies},
		{"deleting it leaves the evidence alone", s.testEvidenceStays},
	})
}

// startPlanted runs the lab with the table's behaviour instead of chance.
func (s *suite) startPlanted(t *testing.T) {
	s.startLab(t, plantedExam, len(plantedStudents), plantedStudents)
	s.awaitPlanted(t, plantedExam)
}

// awaitPlanted waits for the last sign to come: all others have been counted, or
// not, by then.
func (s *suite) awaitPlanted(t *testing.T, exam string) {
	eventually(t, 3*time.Minute, func(ctx context.Context) string {
		for _, violation := range s.session(ctx, t, exam, "dora").Status.Violations {
			if violation.Type == examv1alpha1.FaceMissing && violation.Count == 2 {
				return ""
			}
		}

		return "dora's second FaceMissing is not counted yet"
	})
}

func (s *suite) testPlantedSessions(t *testing.T) {
	type line struct {
		State      examv1alpha1.SessionState
		Streaming  bool
		Score      int32
		Level      examv1alpha1.Level
		Violations map[examv1alpha1.ViolationType]int32
	}

	want := map[string]line{}
	for id, p := range plantedStudents {
		want[id] = line{examv1alpha1.SessionLive, true, p.score, p.level, p.violations}
	}

	// Sessions are written a few seconds after they change.
	eventually(t, 60*time.Second, func(ctx context.Context) string {
		got := map[string]line{}

		for id := range plantedStudents {
			status := s.session(ctx, t, plantedExam, id).Status
			counts := map[examv1alpha1.ViolationType]int32{}

			for _, violation := range status.Violations {
				counts[violation.Type] = violation.Count
			}

			got[id] = line{status.State, status.Streaming, status.Score, status.Level, counts}
		}

		return cmp.Diff(want, got)
	})
}

func (s *suite) testPlantedExam(t *testing.T) {
	type sum struct {
		Students   examv1alpha1.StudentCounts
		Scores     examv1alpha1.ScoreSummary
		Violations []examv1alpha1.ViolationTotal
		Watchlist  []examv1alpha1.WatchlistEntry
	}

	want := sum{
		Students: examv1alpha1.StudentCounts{Enrolled: 5, Joined: 5, Streaming: 5, Flagged: 2},
		// (0 + 9 + 12 + 30 + 63) / 5, rounded down.
		Scores: examv1alpha1.ScoreSummary{Highest: 63, Mean: 22},
		Violations: []examv1alpha1.ViolationTotal{
			{Type: "CameraBlackout", Count: 2}, {Type: "FaceMissing", Count: 3}, {Type: "FocusLost", Count: 3},
			{Type: "GazeDeviation", Count: 2}, {Type: "HeadTurned", Count: 2}, {Type: "LowQuality", Count: 1},
			{Type: "MultipleFaces", Count: 1}, {Type: "Speaking", Count: 1},
		},
		Watchlist: []examv1alpha1.WatchlistEntry{
			{Student: "eve", Session: "planted-eve", Score: 63, Level: "critical"},
			{Student: "dora", Session: "planted-dora", Score: 30, Level: "suspicious"},
			{Student: "carla", Session: "planted-carla", Score: 12, Level: "watch"},
			{Student: "bob", Session: "planted-bob", Score: 9, Level: "clear"},
		},
	}

	eventually(t, 15*time.Second, func(ctx context.Context) string {
		status := s.exam(ctx, t, plantedExam).Status

		return cmp.Diff(want, sum{status.Students, status.Scores, status.Violations, status.Watchlist})
	})
}

// testPlantedTable compares the table of `kubectl exam status`, worst first,
// without the shard and the time that a student was seen.
func (s *suite) testPlantedTable(t *testing.T) {
	page := s.run(t, "exam", "status", plantedExam)
	t.Logf("kubectl exam status\n%s", page)

	_, table, ok := strings.Cut(page, "\nSTUDENT ")
	if !ok {
		t.Fatal("the page has no table of students")
	}

	var got []string

	for _, row := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		fields := strings.Fields(row)
		got = append(got, strings.Join(fields[:min(6, len(fields))], " "))
	}

	want := []string{
		"eve Eve Live yes 63 critical",
		"dora Dora Live yes 30 suspicious",
		"carla Carla Live yes 12 watch",
		"bob Bob Live yes 9 clear",
		"ada Ada Live yes 0 clear",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}

	if !strings.Contains(page, "\nEvidence: ") || !strings.Contains(page, "; recording\n") {
		t.Error("the page does not say that the exam is recorded")
	}
}

// testSealed ends the exam.
func (s *suite) testSealed(t *testing.T) {
	exam := s.exam(t.Context(), t, plantedExam)
	patch := client.MergeFrom(exam.DeepCopy())
	exam.Spec.Schedule.EndTime = ptr.To(metav1.NewTime(time.Now().Add(5 * time.Second)))

	if err := s.Patch(t.Context(), exam, patch); err != nil {
		t.Fatal(err)
	}

	s.run(t, "wait", "--for=condition=EvidenceSealed", "exam/"+plantedExam, "--timeout=180s")

	if status := s.exam(t.Context(), t, plantedExam).Status.Evidence; len(status.Head) != 64 || status.Records == 0 {
		t.Errorf("evidence %+v", status)
	}

	t.Logf("kubectl exam status\n%s", s.run(t, "exam", "status", plantedExam))
}

// testEvidenceVerifies verifies the volume's folder where this machine has it, as
// it does on the local cluster, and a copy of it in which one letter is another.
func (s *suite) testEvidenceVerifies(t *testing.T) {
	status := s.exam(t.Context(), t, plantedExam).Status.Evidence

	folder := s.volumeFolder(t, status.ClaimName, status.Folder)
	if folder == "" {
		if os.Getenv("CLUSTER_KIND") == "local" {
			t.Fatal("the local cluster's volumes are folders of this machine, and this one is not")
		}

		t.Skip("this machine does not have the cluster's volumes")
	}

	var verdict struct {
		Proven   bool   `json:"proven"`
		Head     string `json:"head"`
		Students []struct {
			ID      string `json:"id"`
			Records int32  `json:"records"`
			Proven  int32  `json:"proven"`
		} `json:"students"`
	}

	output := s.run(t, "exam", "verify", plantedExam, "--folder", folder, "-o", "json")
	if err := json.Unmarshal([]byte(output), &verdict); err != nil {
		t.Fatalf("%v: %s", err, output)
	}

	if !verdict.Proven || verdict.Head != status.Head || len(verdict.Students) != len(plantedStudents) {
		t.Errorf("verdict %+v", verdict)
	}

	for _, student := range verdict.Students {
		counted := int32(0)
		for _, count := range plantedStudents[student.ID].violations {
			counted += count
		}

		// Beside violations, states are recorded.
		if student.Records <= counted || student.Proven != student.Records {
			t.Errorf("%s has %d records, %d proven, and %d violations", student.ID, student.Records, student.Proven, counted)
		}
	}

	forged := t.TempDir()
	if err := os.CopyFS(forged, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}

	record := filepath.Join(forged, "records", "eve", "00000001.json")

	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(record, []byte(strings.Replace(string(data), `"eve"`, `"eva"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := s.command(t, "exam", "verify", plantedExam, "--folder", forged, "-n", s.namespace)
	if output, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != 1 ||
		!strings.Contains(string(output), "records/eve/00000001.json") {
		t.Errorf("a forged record: %v\n%s", err, output)
	}
}

// volumeFolder is a folder of a claim's volume on this machine; "" if it is not here.
func (s *suite) volumeFolder(t *testing.T, claimName, folder string) string {
	t.Helper()

	claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: claimName}, claim); err != nil {
		t.Fatal(err)
	}

	if err := s.Get(t.Context(), client.ObjectKey{Name: claim.Spec.VolumeName}, volume); err != nil {
		t.Fatal(err)
	}

	if volume.Spec.HostPath == nil {
		return ""
	}

	path := filepath.Join(volume.Spec.HostPath.Path, folder)
	if _, err := os.Stat(path); err != nil {
		return ""
	}

	return path
}

// testEvidenceStays deletes the Exam, and then its evidence as docs/exam.md says.
func (s *suite) testEvidenceStays(t *testing.T) {
	s.run(t, "delete", "deployment/lab")
	s.run(t, "delete", "exam/"+plantedExam, "--timeout=90s")

	key := client.ObjectKey{Namespace: s.namespace, Name: plantedExam + "-evidence"}

	eventually(t, 60*time.Second, func(ctx context.Context) string {
		if err := s.Get(ctx, key, &corev1.Secret{}); !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the key is still there: %v", err)
		}

		return ""
	})

	claim := &corev1.PersistentVolumeClaim{}
	if err := s.Get(t.Context(), key, claim); err != nil || !claim.DeletionTimestamp.IsZero() {
		t.Errorf("the claim is deleted with its exam: %v", err)
	}

	s.run(t, "delete", "pvc", plantedExam+"-evidence", "--timeout=60s")
}
