package main

import (
	"fmt"
	"slices"
	"strings"
)

// slotsPerViewer is a wall's size: 5 rows of 5.
const slotsPerViewer = 25

// scenario is a class of students, and who watches it.
type scenario struct {
	name, title string
	students    int
	// viewers, with slotsPerViewer slots each; together they watch all students
	// about equally often.
	viewers int
	// silent: they join and send nothing.
	silent bool
	// joinOnly: nothing after the joins is of interest.
	joinOnly bool
	// assigns: the slots change their students, and that is what is measured.
	assigns bool
	// base is the same class without viewers: what this one costs more is the
	// price of forwarding.
	base string
}

func allScenarios() []scenario {
	return []scenario{
		{name: "S0", title: "50 students publish, nobody watches", students: 50},
		{name: "S1", title: "50 students publish, 25 are watched", students: 50, viewers: 1, base: "S0"},
		{name: "S2", title: "50 students publish, 4 viewers watch 25 each", students: 50, viewers: 4, base: "S0"},
		{name: "A0", title: "100 students publish, nobody watches", students: 100},
		{name: "S3", title: "100 students publish, 8 viewers watch 25 each", students: 100, viewers: 8, base: "A0"},
		{name: "I0", title: "100 students have joined and send nothing", students: 100, silent: true},
		{name: "J", title: "100 students join at once", students: 100, joinOnly: true},
		{
			name: "assign", title: "50 students publish, a viewer changes whom its 25 slots show",
			students: 50, viewers: 1, assigns: true,
		},
	}
}

// chooseScenarios returns those that names, comma separated, asks for.
func chooseScenarios(names string) ([]scenario, error) {
	var (
		known  = allScenarios()
		chosen []scenario
	)

	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(known, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}

		chosen = append(chosen, known[i])
	}

	return chosen, nil
}

func scenarioNames() string {
	var names []string
	for _, s := range allScenarios() {
		names = append(names, s.name)
	}

	return strings.Join(names, ",")
}
