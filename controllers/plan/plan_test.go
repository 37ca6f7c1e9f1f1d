package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/controllers/plan"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

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
				Students: tc.students, StudentsPerPod: tc.perPod, Spares: tc.spares, CurrentPods: tc.current, Created: noon,
			}, noon)
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

// step is what the clock changes about a plan.
type step struct {
	At   time.Time
	Is   plan.Phase
	Pods int32
	Next time.Time
}

// TestCourse walks each exam from edge to edge, with the pods of one step being
// the current pods of the next, as in a cluster.
func TestCourse(t *testing.T) {
	t.Parallel()

	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	never := time.Time{}

	cases := map[string]struct {
		in   plan.Input
		want []step
	}{
		"start and duration": {
			plan.Input{Created: at(-600), Start: noon, Duration: 2 * time.Hour, Warmup: 15 * time.Minute},
			[]step{
				{at(-600), plan.Scheduled, 0, at(-15)},
				{at(-15), plan.Open, 3, noon},
				{noon, plan.Live, 3, at(120)},
				{at(120), plan.Finished, 3, at(121)},
				{at(121), plan.Finished, 0, never},
			},
		},
		"end instead of duration": {
			plan.Input{Created: at(-600), Start: noon, End: at(90), Warmup: 0},
			[]step{
				{at(-600), plan.Scheduled, 0, noon},
				{noon, plan.Live, 3, at(90)},
				{at(90), plan.Finished, 3, at(91)},
				{at(91), plan.Finished, 0, never},
			},
		},
		"no schedule": {
			plan.Input{Created: noon},
			[]step{{noon, plan.Live, 3, never}},
		},
		"duration without start": {
			plan.Input{Created: noon, Duration: time.Hour, Warmup: 15 * time.Minute},
			[]step{
				{noon, plan.Live, 3, at(60)},
				{at(60), plan.Finished, 3, at(61)},
				{at(61), plan.Finished, 0, never},
			},
		},
		"start without end": {
			plan.Input{Created: at(-5), Start: noon, Warmup: 15 * time.Minute},
			[]step{{at(-5), plan.Open, 3, noon}, {noon, plan.Live, 3, never}},
		},
		"the last student's own end": {
			plan.Input{Created: noon, Duration: time.Hour, Extra: 20 * time.Minute},
			[]step{
				{noon, plan.Live, 3, at(60)},
				{at(60), plan.Finished, 3, at(81)},
				{at(81), plan.Finished, 0, never},
			},
		},
		"sessions that run beyond it, for hours at most": {
			plan.Input{Created: noon, Duration: time.Hour, Running: true},
			[]step{
				{noon, plan.Live, 3, at(60)},
				{at(60), plan.Finished, 3, at(61)},
				{at(61), plan.Finished, 3, at(60 + 12*60)},
				{at(60 + 12*60), plan.Finished, 0, never},
			},
		},
		"ended before it was made": {
			plan.Input{Created: noon, End: at(-60)},
			[]step{{noon, plan.Finished, 0, never}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			in := tc.in
			in.Students, in.StudentsPerPod, in.Spares = 150, 100, 1

			var got []step

			for now := in.Created; ; {
				p := plan.Make(in, now)
				got = append(got, step{now, p.Phase, p.Pods, p.NextEdge})

				if p.NextEdge.IsZero() {
					break
				}

				in.CurrentPods, now = p.Pods, p.NextEdge
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("course (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMovingTheStartAwayTakesNoPods(t *testing.T) {
	t.Parallel()

	p := plan.Make(plan.Input{
		Students: 10, StudentsPerPod: 100, Spares: 1, CurrentPods: 2, Created: noon, Start: noon.Add(24 * time.Hour),
	}, noon)

	if p.Phase != plan.Scheduled || p.Pods != 2 {
		t.Errorf("got %s with %d pods, want Scheduled with the 2 that run", p.Phase, p.Pods)
	}
}
