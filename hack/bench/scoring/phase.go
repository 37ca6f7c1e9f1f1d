package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// The phases of the scenario in which Redis is stopped, in order. What is sent
// in one counts there, whenever it arrives.
const (
	// phaseBefore: Redis answers.
	phaseBefore = "before"
	// phaseTripping: Redis is stopped, and scoring has not found out.
	phaseTripping = "tripping"
	// phaseDegraded: scoring goes on from memory.
	phaseDegraded = "degraded"
	// phaseReplay: Redis goes on, and the journal is being written back.
	phaseReplay = "replay"
	// phaseAfter: Redis is in use again.
	phaseAfter = "after"
)

// phase is a part of a scenario's window.
type phase struct {
	name  string
	began time.Time
}

// phaseFigures are those of figures for what was sent in one phase.
type phaseFigures struct {
	Seconds float64 `json:"seconds"`
	// Violations that walls were told of, each wall counted.
	Violations     int     `json:"violations"`
	AckP50Ms       float64 `json:"ack_p50_ms"`
	AckP99Ms       float64 `json:"ack_p99_ms"`
	AckMaxMs       float64 `json:"ack_max_ms"`
	ViolationP50Ms float64 `json:"violation_feed_p50_ms"`
	ViolationP99Ms float64 `json:"violation_feed_p99_ms"`
	ViolationMaxMs float64 `json:"violation_feed_max_ms"`
	// ViolationP99OfBefore is how many times that of the first phase it is.
	ViolationP99OfBefore float64 `json:"violation_feed_p99_of_before"`
}

// begin lets a phase begin now.
func (f *figures) begin(name string) {
	f.phases = append(f.phases, phase{name: name, began: time.Now()})
}

// split gives each phase, the last of which has just ended, its figures.
func (f *figures) split(acks, violations []sample) {
	for i, p := range f.phases {
		ended := time.Now()
		if i+1 < len(f.phases) {
			ended = f.phases[i+1].began
		}

		in := func(samples []sample) []sample {
			return slices.DeleteFunc(slices.Clone(samples), func(s sample) bool {
				return s.sent.Before(p.began) || !s.sent.Before(ended)
			})
		}
		acks, violations := in(acks), in(violations)
		of := phaseFigures{
			Seconds: ended.Sub(p.began).Seconds(), Violations: len(violations),
			AckP50Ms: quantile(acks, .5), AckP99Ms: quantile(acks, .99), AckMaxMs: quantile(acks, 1),
			ViolationP50Ms: quantile(violations, .5), ViolationP99Ms: quantile(violations, .99),
			ViolationMaxMs: quantile(violations, 1),
		}

		if i == 0 {
			f.Phases = map[string]phaseFigures{}
		}

		f.Phases[p.name] = of

		if first := f.Phases[f.phases[0].name].ViolationP99Ms; first > 0 {
			of.ViolationP99OfBefore = of.ViolationP99Ms / first
			f.Phases[p.name] = of
		}
	}
}

// reportPhases prints them as a table.
func (f *figures) reportPhases() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nphase\ts\tack p50 ms\tp99\tmax\tviolation p50 ms\tp99\tmax\tp99 of before\tviolations seen\t")

	for _, p := range f.phases {
		of := f.Phases[p.name]
		fmt.Fprintf(table, "%s\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%d\t\n", p.name, of.Seconds,
			of.AckP50Ms, of.AckP99Ms, of.AckMaxMs, of.ViolationP50Ms, of.ViolationP99Ms, of.ViolationMaxMs,
			of.ViolationP99OfBefore, of.Violations)
	}

	return table.Flush() //nolint:wrapcheck // the caller says what it was about
}
