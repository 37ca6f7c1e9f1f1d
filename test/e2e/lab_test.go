//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// startLab runs the demo's simulated students inside the cluster, the first so many
// of the exam. With behaviour they do what that says, and nothing by chance.
func (s *suite) startLab(t *testing.T, exam string, students int, behaviour map[string]planted) {
	t.Helper()

	manifest, err := os.ReadFile(filepath.Join(s.root, "config/demo/lab.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	const chance = "        - --fault=focus-lost=0.25\n"
	if !strings.Contains(string(manifest), chance) {
		t.Fatalf("config/demo/lab.yaml has no %q", chance)
	}

	var planned strings.Builder

	for _, id := range slices.Sorted(maps.Keys(behaviour)) {
		if signs := behaviour[id].signs; signs != "" {
			fmt.Fprintf(&planned, "        - --behaviour=%s=%s\n", id, signs)
		}
	}

	flags := chance
	if behaviour != nil {
		flags = planned.String()
	}

	lab := strings.NewReplacer(chance, flags, "ghcr.io/invigil/lab:v0.1.0", s.labImage, "EXAM", exam,
		"STUDENTS", strconv.Itoa(students)).Replace(string(manifest))
	if output, err := s.apply(t, lab); err != nil {
		t.Fatalf("apply the lab: %v\n%s", err, output)
	}
}
