package course_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/controllers/course"
)

func TestAccept(t *testing.T) {
	t.Parallel()

	const (
		began = "startTime cannot be changed: the exam began at 2026-06-01T12:00:00Z"
		over  = "The exam is over and nothing can be added to it, so its dates stay; make another Exam"
	)

	// What counted last is an exam of two hours.
	last := course.Dates{Starts: noon, Ends: at(120)}
	moved := course.Dates{Starts: at(60), Ends: at(180)}
	from := func(start, minutes int) course.Wanted {
		return course.Wanted{Start: at(start), Duration: time.Duration(minutes) * time.Minute}
	}
	until := func(end int) course.Wanted { return course.Wanted{Start: noon, End: at(end)} }

	cases := map[string]struct {
		known   course.Known
		at      int
		wanted  course.Wanted
		want    course.Dates
		refused string
	}{
		"the same":                      {up(), 30, from(0, 120), last, ""},
		"the same in other words":       {up(), 30, until(120), last, ""},
		"a second's fraction":           {up(), 30, course.Wanted{Start: noon, End: at(120).Add(time.Millisecond)}, last, ""},
		"another start before anything": {course.Known{}, -600, from(60, 120), moved, ""},
		"later while open":              {up(), -5, from(60, 120), moved, ""},
		"earlier while open":            {up(), -5, from(-10, 120), course.Dates{Starts: at(-10), Ends: at(110)}, ""},
		"later while nobody was there":  {course.Known{Made: true}, 5, from(60, 120), moved, ""},
		"a typo that nothing came of":   {course.Known{}, 500, from(600, 120), course.Dates{Starts: at(600), Ends: at(720)}, ""},
		"longer while live":             {up(), 30, from(0, 180), course.Dates{Starts: noon, Ends: at(180)}, ""},
		"shorter while live":            {up(), 30, from(0, 60), course.Dates{Starts: noon, Ends: at(60)}, ""},
		"an end instead of a duration":  {up(), 30, until(150), course.Dates{Starts: noon, Ends: at(150)}, ""},
		"no end any more":               {up(), 30, from(0, 0), course.Dates{Starts: noon}, ""},
		"longer after the end":          {up(), 125, from(0, 180), course.Dates{Starts: noon, Ends: at(180)}, ""},
		"another start while live":      {up(), 30, from(60, 120), last, began},
		"an earlier start while live":   {up(), 30, from(-60, 120), last, began},
		"another start and longer":      {up(), 30, from(60, 180), course.Dates{Starts: noon, Ends: at(180)}, began},
		"an end a moment ago":           {up(), 30, until(30), course.Dates{Starts: noon, Ends: at(30)}, ""},
		"an end a minute ago": {
			up(), 30, until(29), last,
			"an end at 2026-06-01T12:29:00Z has passed already and would put everybody out: " +
				"the exam goes on until 2026-06-01T14:00:00Z; give one that is to come",
		},
		"an end that has passed": {
			up(), 30, until(20), last,
			"an end at 2026-06-01T12:20:00Z has passed already and would put everybody out: " +
				"the exam goes on until 2026-06-01T14:00:00Z; give one that is to come",
		},
		"an end that has passed, while open": {
			up(), -5, course.Wanted{Start: at(-60), Duration: 10 * time.Minute}, course.Dates{Starts: at(-60), Ends: at(120)},
			"an end at 2026-06-01T11:10:00Z has passed already and would put everybody out: " +
				"the exam goes on until 2026-06-01T14:00:00Z; give one that is to come",
		},
		"an earlier end after the end": {
			up(), 125, until(110), last,
			"an end at 2026-06-01T13:50:00Z has passed already and would put everybody out: " +
				"the exam ended at 2026-06-01T14:00:00Z; give one that is to come",
		},
		"longer when sealed":    {course.Known{Made: true, Up: true, Sealed: at(141)}, 150, from(0, 300), last, over},
		"longer when torn down": {course.Known{Made: true, Up: true, TornDown: true}, 500, from(0, 600), last, over},
		"the same when sealed":  {course.Known{Made: true, Up: true, Sealed: at(141)}, 150, from(0, 120), last, ""},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, refused := course.Accept(last, tc.wanted, tc.known, at(tc.at))
			if diff := cmp.Diff(tc.want, got); diff != "" || refused != tc.refused {
				t.Errorf("refused %q, want %q; dates (-want +got):\n%s", refused, tc.refused, diff)
			}
		})
	}

	if got, refused := course.Accept(course.Dates{}, from(0, 60), up(), at(30)); refused != "" || !got.Ends.Equal(at(60)) {
		t.Errorf("the first dates are %+v, refused %q", got, refused)
	}

	endless := course.Dates{Starts: noon}
	if got, refused := course.Accept(endless, until(20), up(), at(30)); refused == "" || got != endless {
		t.Errorf("an endless exam was ended in the past: %+v, refused %q", got, refused)
	}
}
