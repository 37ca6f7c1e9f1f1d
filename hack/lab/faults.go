package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Fault is what a simulated student does wrong, or what goes wrong for one.
type Fault string

// The faults.
const (
	// NoFault: a good student in a good network.
	NoFault Fault = ""
	// DropMedia stops sending media; the event socket stays.
	DropMedia Fault = "drop-media"
	// Vanish ends socket and connection without goodbye, for good.
	Vanish Fault = "vanish"
	// FocusLost reports FocusLost at intervals.
	FocusLost Fault = "focus-lost"
	// Blackout covers the camera: black media, and CameraBlackout reports.
	Blackout Fault = "blackout"
	// Flood reports every violation with every report.
	Flood Fault = "flood"
	// Rejoin leaves and comes back, again and again.
	Rejoin Fault = "rejoin"
)

func faultKinds() []Fault {
	return []Fault{DropMedia, Vanish, FocusLost, Blackout, Flood, Rejoin}
}

// shares says which part of the students has which fault. It is a flag.Value:
// kind=share, repeatable.
type shares []share

type share struct {
	fault Fault
	part  float64
}

// String is flag.Value's.
func (s *shares) String() string {
	var parts []string
	for _, one := range *s {
		parts = append(parts, fmt.Sprintf("%s=%g", one.fault, one.part))
	}

	return strings.Join(parts, " ")
}

// Set is flag.Value's.
func (s *shares) Set(value string) error {
	kind, raw, _ := strings.Cut(value, "=")

	part, err := strconv.ParseFloat(raw, 64)
	if err != nil || part < 0 || part > 1 {
		return fmt.Errorf("want kind=share with a share from 0 to 1")
	}

	known := false
	for _, fault := range faultKinds() {
		known = known || fault == Fault(kind)
	}

	if !known {
		return fmt.Errorf("kinds are %v", faultKinds())
	}

	total := part
	for _, one := range *s {
		total += one.part
	}

	if total > 1 {
		return fmt.Errorf("the shares sum up to %g: a student has one fault at most", total)
	}

	*s = append(*s, share{Fault(kind), part})

	return nil
}

// assign gives each of n students its fault: the same for the same seed, spread
// over the list.
func (s *shares) assign(n int, seed uint64) []Fault {
	faults := make([]Fault, n)
	order := rand.New(rand.NewPCG(seed, 0)).Perm(n) //nolint:gosec // must repeat
	next := 0

	for _, one := range *s {
		for range int(one.part*float64(n) + 0.5) {
			if next < n {
				faults[order[next]] = one.fault
				next++
			}
		}
	}

	return faults
}

// When faults happen, after the student is connected: at a random time up to
// faultWithin, and where they repeat, after as long again.
const faultWithin = 20 * time.Second

// dice are one student's random numbers: the same for the same seed, whatever
// the other students do.
func dice(seed uint64, student int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(student)+1)) //nolint:gosec // must repeat
}

// until returns how long until the next fault.
func until(random *rand.Rand) time.Duration {
	return faultWithin/4 + time.Duration(random.Int64N(int64(faultWithin)*3/4))
}
