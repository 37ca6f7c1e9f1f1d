package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plant is a sign that a student shows once, with the first report after so long
// in the exam.
type plant struct {
	sign  string
	after time.Duration
}

// plants are the signs of single students, by id, in the order of their time: what
// must come of them can be written down. It is a flag.Value:
// id=Type@after,Type@after, repeatable.
type plants map[string][]plant

// String is flag.Value's.
func (p *plants) String() string {
	var parts []string

	for id, signs := range *p {
		var list []string
		for _, one := range signs {
			list = append(list, one.sign+"@"+one.after.String())
		}

		parts = append(parts, id+"="+strings.Join(list, ","))
	}

	slices.Sort(parts)

	return strings.Join(parts, " ")
}

// Set is flag.Value's.
func (p *plants) Set(value string) error {
	id, list, ok := strings.Cut(value, "=")
	if !ok || id == "" || list == "" {
		return fmt.Errorf("want student=Type@after,..., for example lena=FocusLost@5s,GazeDeviation@10s")
	}

	if _, twice := (*p)[id]; twice {
		return fmt.Errorf("student %s has a behaviour already", id)
	}

	var signs []plant

	for part := range strings.SplitSeq(list, ",") {
		sign, raw, _ := strings.Cut(part, "@")

		after, err := time.ParseDuration(raw)
		if err != nil || after < 0 || sign == "" {
			return fmt.Errorf("%q: want Type@after, for example FocusLost@5s", part)
		}

		signs = append(signs, plant{sign, after})
	}

	slices.SortStableFunc(signs, func(a, b plant) int { return cmp.Compare(a.after, b.after) })

	if *p == nil {
		*p = plants{}
	}

	(*p)[id] = signs

	return nil
}

// missing names a student with a behaviour who is none of these; "" if all are.
func (p *plants) missing(students []enrolled) string {
	var unknown []string

	for id := range *p {
		if !slices.ContainsFunc(students, func(s enrolled) bool { return s.id == id }) {
			unknown = append(unknown, id)
		}
	}

	if len(unknown) == 0 {
		return ""
	}

	return slices.Min(unknown)
}

// due takes the signs whose time has come.
func due(signs *[]plant, since time.Duration) []string {
	var shown []string

	for len(*signs) > 0 && (*signs)[0].after <= since {
		shown = append(shown, (*signs)[0].sign)
		*signs = (*signs)[1:]
	}

	return shown
}
