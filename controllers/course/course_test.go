package course_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/controllers/course"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// at is so many minutes after noon, when exams of these tests begin.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

var never time.Time

// whole is an exam of two hours with all that an exam can have: pictures are kept
// for ten hours, and what runs stays for one.
func whole() course.Spec {
	return course.Spec{
		Dates:  course.Dates{Starts: noon, Ends: at(120)},
		Warmup: 15 * time.Minute, Extra: 20 * time.Minute, TTL: time.Hour, Retention: 10 * time.Hour,
	}
}

// up is what is known of an exam that its students sit.
func up() course.Known { return course.Known{Made: true, Up: true, Recorded: true} }

// TestEdges looks at an exam right before each edge and on it. An operator that
// was away for all the edges before sees the same.
func TestEdges(t *testing.T) {
	t.Parallel()

	endless := func(s *course.Spec) { s.Ends = never }
	sealedAt := func(minutes int) func(*course.Known) {
		return func(k *course.Known) { k.Sealed = at(minutes) }
	}
	tornDown := func(k *course.Known) { k.Sealed, k.TornDown = at(141), true }

	cases := map[string]struct {
		spec  func(*course.Spec)
		known func(*course.Known)
		at    time.Time
		want  course.Phase
		next  time.Time
	}{
		"long before":          {at: at(-600), want: course.Scheduled, next: at(-15)},
		"right before warm-up": {at: at(-15).Add(-1), want: course.Scheduled, next: at(-15)},
		"warm-up": {
			known: func(k *course.Known) { *k = course.Known{} },
			at:    at(-15), want: course.WarmingUp, next: noon,
		},
		"up within warm-up": {at: at(-15), want: course.Open, next: noon},
		"no warm-up": {
			spec: func(s *course.Spec) { s.Warmup = 0 },
			at:   noon.Add(-1), want: course.Scheduled, next: noon,
		},
		"right before start": {at: noon.Add(-1), want: course.Open, next: noon},
		"start":              {at: noon, want: course.Live, next: at(120)},
		"start, and nothing up": {
			known: func(k *course.Known) { k.Up = false },
			at:    noon, want: course.WarmingUp, next: at(120),
		},
		"start without an end": {spec: endless, at: noon, want: course.Live, next: never},
		"years without an end": {spec: endless, at: noon.AddDate(2, 0, 0), want: course.Live, next: never},
		"right before end":     {at: at(120).Add(-1), want: course.Live, next: at(120)},
		"end":                  {at: at(120), want: course.Finishing, next: at(141)},
		"end, and nothing up": {
			known: func(k *course.Known) { k.Up = false },
			at:    at(120), want: course.Finishing, next: at(141),
		},
		"end, and nothing made": {
			known: func(k *course.Known) { *k = course.Known{} },
			at:    at(120), want: course.Missed, next: never,
		},
		"end before the start": {
			spec: func(s *course.Spec) { s.Ends = at(-60) }, known: func(k *course.Known) { *k = course.Known{} },
			at: at(-30), want: course.Missed, next: never,
		},
		"end without extra time": {
			spec: func(s *course.Spec) { s.Extra = 0 },
			at:   at(120), want: course.Finishing, next: at(121),
		},

		"right before the last student's end": {at: at(141).Add(-1), want: course.Finishing, next: at(141)},
		"the last student's end":              {at: at(141), want: course.Finished, next: at(200)},
		"sessions run beyond it": {
			known: func(k *course.Known) { k.Running = true }, at: at(141), want: course.Finishing, next: at(140 + 720),
		},
		"sessions run for ever": {
			known: func(k *course.Known) { k.Running = true }, at: at(140 + 720), want: course.Finished, next: never,
		},
		"sealed early": {known: sealedAt(125), at: at(126).Add(-1), want: course.Finishing, next: at(126)},
		"extra time after the seal": {
			spec: func(s *course.Spec) { s.Extra = 5 * time.Hour }, known: sealedAt(141), at: at(142),
			want: course.Finished, next: at(420 + 60),
		},

		"right before teardown": {known: sealedAt(141), at: at(201).Add(-1), want: course.Finished, next: at(201)},
		"teardown":              {known: sealedAt(141), at: at(201), want: course.TornDown, next: at(741)},
		"teardown, not sealed":  {at: at(10_000), want: course.Finished, next: never},
		"teardown, sealed late": {known: sealedAt(900), at: at(959), want: course.Finished, next: at(960)},
		"teardown, not recorded": {
			known: func(k *course.Known) { k.Recorded = false },
			at:    at(200), want: course.TornDown, next: never,
		},
		"teardown, seen late": {
			known: func(k *course.Known) { k.Recorded, k.LastSeen = false, at(300) },
			at:    at(359), want: course.Finished, next: at(360),
		},
		"teardown, not written": {
			known: func(k *course.Known) { k.Sealed, k.Unwritten = at(141), true },
			at:    at(300), want: course.Finished, next: never,
		},
		"teardown at once": {
			spec: func(s *course.Spec) { s.TTL = 0 }, known: sealedAt(140),
			at: at(141), want: course.TornDown, next: at(740),
		},
		"torn down":              {known: tornDown, at: at(300), want: course.TornDown, next: at(741)},
		"torn down for good":     {spec: endless, known: tornDown, at: at(300), want: course.TornDown, next: never},
		"right before the purge": {known: tornDown, at: at(741).Add(-1), want: course.TornDown, next: at(741)},
		"purge":                  {known: tornDown, at: at(741), want: course.Purging, next: never},
		"kept for ever": {
			spec: func(s *course.Spec) { s.Retention = 0 }, known: tornDown,
			at: at(90_000), want: course.TornDown, next: never,
		},
		"nothing to purge": {
			known: func(k *course.Known) { k.Recorded, k.TornDown = false, true },
			at:    at(90_000), want: course.TornDown, next: never,
		},
		"purged": {
			known: func(k *course.Known) { tornDown(k); k.Expired = true },
			at:    at(742), want: course.Purged, next: never,
		},
		"purged, and still there": {
			known: func(k *course.Known) { k.Sealed, k.Expired = at(141), true },
			at:    at(142), want: course.Finished, next: at(201),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			spec, known := whole(), up()
			if tc.spec != nil {
				tc.spec(&spec)
			}

			if tc.known != nil {
				tc.known(&known)
			}

			c := course.At(spec, known, tc.at)
			if c.Phase != tc.want || !c.NextEdge.Equal(tc.next) {
				t.Errorf("%s until %s, want %s until %s", c.Phase, c.NextEdge, tc.want, tc.next)
			}
		})
	}
}

// TestCourse walks an exam from edge to edge: each one that is announced is one.
func TestCourse(t *testing.T) {
	t.Parallel()

	type step struct {
		At time.Time
		Is course.Phase
	}

	var (
		got   []step
		known course.Known
	)

	for now := at(-600); !now.IsZero() || known.TornDown && !known.Expired; {
		c := course.At(whole(), known, now)
		got = append(got, step{now, c.Phase})

		// What a cluster makes of each phase.
		switch c.Phase {
		case course.WarmingUp:
			known.Made, known.Up, known.Recorded = true, true, true
			c = course.At(whole(), known, now)
		case course.Finished:
			known.Sealed = c.Leaves
			c = course.At(whole(), known, now)
		case course.TornDown:
			known.TornDown = true
		case course.Purging:
			known.Expired = true

			continue
		case course.Scheduled, course.Open, course.Live, course.Finishing, course.Purged, course.Missed:
		}

		now = c.NextEdge
	}

	want := []step{
		{at(-600), course.Scheduled},
		{at(-15), course.WarmingUp},
		{noon, course.Live},
		{at(120), course.Finishing},
		{at(141), course.Finished},
		{at(201), course.TornDown},
		{at(741), course.Purging},
		{at(741), course.Purged},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("course (-want +got):\n%s", diff)
	}
}

func TestInSession(t *testing.T) {
	t.Parallel()

	for phase, want := range map[course.Phase][3]bool{
		course.Scheduled: {false, false, false},
		course.WarmingUp: {true, true, false},
		course.Open:      {true, true, false},
		course.Live:      {true, true, false},
		course.Finishing: {true, true, false},
		course.Finished:  {false, true, true},
		course.TornDown:  {false, false, true},
		course.Purging:   {false, false, true},
		course.Purged:    {false, false, true},
		course.Missed:    {false, false, true},
	} {
		if got := [3]bool{phase.InSession(), phase.Runs(), phase.Over()}; got != want {
			t.Errorf("%s: in session, runs, over: %v, want %v", phase, got, want)
		}
	}
}
