package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/plan"
)

func TestSize(t *testing.T) {
	t.Parallel()

	type size struct {
		Need, Pods, Spares           int32
		MilliCPU, MemoryMiB, Ingress int64
	}

	cases := map[string]struct {
		students, perPod, spares, current int32
		want                              size
	}{
		"one student":               {1, 100, 0, 0, size{1, 1, 0, 400, 164, 400}},
		"one student and a spare":   {1, 100, 1, 0, size{1, 2, 1, 800, 164, 400}},
		"exactly full":              {200, 100, 1, 0, size{2, 3, 1, 1200, 164, 80_000}},
		"one over":                  {201, 100, 1, 0, size{3, 4, 1, 1600, 164, 80_400}},
		"small pods":                {30, 10, 2, 0, size{3, 5, 2, 650, 74, 12_000}},
		"growth adds":               {201, 100, 1, 3, size{3, 4, 1, 1600, 164, 80_400}},
		"shrinking roster keeps":    {50, 100, 1, 4, size{1, 4, 3, 1600, 164, 20_000}},
		"fewer spares keeps":        {100, 100, 0, 2, size{1, 2, 1, 800, 164, 40_000}},
		"largest roster":            {5000, 100, 1, 0, size{50, 51, 1, 20_400, 164, 2_000_000}},
		"largest roster, tiny pods": {5000, 1, 0, 0, size{5000, 5000, 0, 515_000, 65, 2_000_000}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := plan.Make(plan.Input{
				Students: tc.students, StudentsPerPod: tc.perPod, Spares: tc.spares, CurrentPods: tc.current,
				Phase: course.Live,
			})
			got := size{p.Need, p.Pods, p.Spares, p.MilliCPU(), p.PodMemoryMiB, p.IngressKbps}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("size (-want +got):\n%s", diff)
			}

			if want := got.Pods > plan.MaxPods; p.TooManyPods() != want {
				t.Errorf("TooManyPods() = %v, want %v", p.TooManyPods(), want)
			}
		})
	}
}

func TestPodsByPhase(t *testing.T) {
	t.Parallel()

	// 150 students need two pods; a spare makes three.
	cases := map[course.Phase]struct{ none, two, four int32 }{
		course.Scheduled: {0, 2, 4}, // A start that was moved away takes nothing that runs.
		course.WarmingUp: {3, 3, 4},
		course.Open:      {3, 3, 4},
		course.Live:      {3, 3, 4},
		course.Finishing: {3, 2, 4},
		course.Finished:  {0, 0, 0},
		course.TornDown:  {0, 0, 0},
		course.Purging:   {0, 0, 0},
		course.Purged:    {0, 0, 0},
		course.Missed:    {0, 0, 0},
	}

	for phase, want := range cases {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()

			for current, want := range map[int32]int32{0: want.none, 2: want.two, 4: want.four} {
				p := plan.Make(plan.Input{Students: 150, StudentsPerPod: 100, Spares: 1, CurrentPods: current, Phase: phase})
				if p.Pods != want {
					t.Errorf("%d pods with %d before, want %d", p.Pods, current, want)
				}
			}
		})
	}
}
