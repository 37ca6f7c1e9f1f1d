//go:build e2e

package e2e

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testPlugin is what an invigilator does without a browser, in an exam whose
// students' behaviour is known.
func (s *suite) testPlugin(t *testing.T) {
	page := s.run(t, "exam", "doctor", plantedExam)
	t.Logf("kubectl exam doctor\n%s", page)

	if !strings.Contains(page, "door") {
		t.Error("doctor does not tell of the door")
	}

	names := s.run(t, "exam", "sessions", plantedExam, "--level", "critical,suspicious", "-o", "name")
	if strings.Count(names, "\n") != 2 {
		t.Errorf("sessions at critical and suspicious: %s", names)
	}

	if page := s.run(t, "exam", "watch", plantedExam, "--once"); !strings.Contains(page, "eve") || !strings.Contains(page, "63") {
		t.Errorf("watch does not show eve with 63:\n%s", page)
	}

	s.run(t, "exam", "warn", plantedExam, "bob", "Look at your screen, please.")
	s.run(t, "exam", "dismiss", plantedExam, "carla",
		"--violation", "FocusLost", "--number", "1", "--reason", "The quiz opened a window.")

	want := plantedStudents["carla"].score - 5

	eventually(t, 30*time.Second, func(ctx context.Context) string {
		if score := s.session(ctx, t, plantedExam, "carla").Status.Score; score != want {
			return fmt.Sprintf("carla's score is %d, want %d", score, want)
		}

		return ""
	})

	folder := filepath.Join(t.TempDir(), "carla")
	record := s.run(t, "exam", "evidence", plantedExam, "carla", "--download", folder)
	t.Logf("kubectl exam evidence\n%s", record)

	if _, err := os.Stat(filepath.Join(folder, "record.json")); err != nil || !strings.Contains(record, "FocusLost 1, medium") ||
		!strings.Contains(record, "dismiss") {
		t.Errorf("%v; carla's record:\n%s", err, record)
	}

	rows, err := csv.NewReader(strings.NewReader(s.run(t, "exam", "report", plantedExam))).ReadAll()
	if err != nil || len(rows) != 1+len(plantedStudents) || rows[1][0] != "eve" || rows[1][3] != "63" {
		t.Errorf("%v; report %v", err, rows)
	}
}
