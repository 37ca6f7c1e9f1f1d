package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/internal/wire"
)

func TestPlants(t *testing.T) {
	var p plants

	for _, value := range []string{"lena=GazeDeviation@10s,FocusLost@5s", "carl=Speaking@0s"} {
		if err := p.Set(value); err != nil {
			t.Fatal(err)
		}
	}

	for _, value := range []string{
		"", "ada", "ada=", "=FocusLost@5s", "ada=FocusLost", "ada=@5s", "ada=FocusLost@-5s", "ada=FocusLost@5",
		"lena=FocusLost@9s",
	} {
		if err := p.Set(value); err == nil {
			t.Errorf("Set(%q) took it", value)
		}
	}

	if got, want := p.String(), "carl=Speaking@0s lena=FocusLost@5s,GazeDeviation@10s"; got != want {
		t.Errorf("plants are %s; want %s", got, want)
	}

	if got := p.missing([]enrolled{{id: "lena"}, {id: "ada"}}); got != "carl" {
		t.Errorf("missing %q, want carl", got)
	}

	if got := p.missing([]enrolled{{id: "lena"}, {id: "carl"}}); got != "" {
		t.Errorf("missing %q", got)
	}
}

// A sign goes with the first report after its time, once.
func TestPlantedSignsAreReportedOnce(t *testing.T) {
	var p plants
	if err := p.Set("lena=FocusLost@1m,GazeDeviation@1m,FocusLost@2m"); err != nil {
		t.Fatal(err)
	}

	rules := []wire.ViolationRule{{Type: "FocusLost"}, {Type: "GazeDeviation"}, {Type: "Speaking"}}
	lena := &stay{
		student: &student{plants: p["lena"]},
		joined:  &wire.JoinResponse{Policy: wire.Policy{Violations: rules}},
	}
	act := lena.behaviour()

	report := func(in time.Duration) []string {
		act.began = time.Now().Add(-in)
		delta, violations := act.report()

		var shown []string
		for _, violation := range violations {
			shown = append(shown, violation.Type)
		}

		if unfocused := slices.Contains(shown, "FocusLost"); *delta.Focused == unfocused {
			t.Errorf("after %s: focused %t, reported %v", in, *delta.Focused, shown)
		}

		return shown
	}

	got := [][]string{report(59 * time.Second), report(61 * time.Second), report(63 * time.Second), report(3 * time.Minute)}
	want := [][]string{nil, {"FocusLost", "GazeDeviation"}, nil, {"FocusLost"}}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}
