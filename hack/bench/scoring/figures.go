package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/invigil/invigil/hack/bench/record"
)

// result is what bin/bench/scoring.json holds.
type result struct {
	Machine machine `json:"machine"`
	// Scenarios by number of sessions, and redisStopped.
	Scenarios map[string]figures `json:"scenarios"`
}

// redisStopped is the scenario in which Redis does not answer for a while.
const redisStopped = "redis_stopped"

type machine struct {
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	// Load is the load average over the minute before: what else was going on.
	Load string `json:"load"`
}

// figures of one scenario, over its window.
type figures struct {
	Sessions         int     `json:"sessions"`
	ReportsPerSecond float64 `json:"reports_per_s"`
	// UsPerReport is the program's whole CPU time, per report.
	UsPerReport float64 `json:"us_per_report"`
	// KiBPerSession is what the program has grown by since nobody had joined.
	KiBPerSession float64 `json:"kib_per_session"`
	// RoundTripsPerReport is how often Redis was asked for anything.
	RoundTripsPerReport float64 `json:"redis_roundtrips_per_report"`

	// From the report as the page sends it: to its acknowledgement, and for one with
	// a violation to that on a wall, and to the update of score and count on a wall.
	AckP50Ms       float64 `json:"ack_p50_ms"`
	AckP99Ms       float64 `json:"ack_p99_ms"`
	AckMaxMs       float64 `json:"ack_max_ms"`
	ViolationP50Ms float64 `json:"violation_feed_p50_ms"`
	ViolationP99Ms float64 `json:"violation_feed_p99_ms"`
	UpdateP50Ms    float64 `json:"update_feed_p50_ms"`
	UpdateP99Ms    float64 `json:"update_feed_p99_ms"`

	balance

	// RecoveredSeconds from Redis's return to its use, if it was stopped.
	RecoveredSeconds float64 `json:"recovered_s,omitempty"`

	// Phases by name, if Redis was stopped.
	Phases map[string]phaseFigures `json:"phases,omitempty"`
	phases []phase
}

// balance compares the violations that were acknowledged with Redis.
type balance struct {
	Reports int64 `json:"reports"`
	Counted int64 `json:"counted"`
	Lost    int64 `json:"lost"`
	Doubled int64 `json:"doubled"`
}

func newResult() (*result, error) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil, fmt.Errorf("describe machine: %w", err)
	}

	r := &result{
		Machine:   machine{Cores: runtime.NumCPU(), Go: runtime.Version()},
		Scenarios: map[string]figures{},
	}
	r.Machine.Load, _, _ = strings.Cut(string(load), " ")

	return r, nil
}

func (f *figures) latencies(l *load, w *walls) {
	acks, violations, updates := l.took.take(), w.violations.take(), w.updates.take()

	f.AckP50Ms, f.AckP99Ms, f.AckMaxMs = quantile(acks, .5), quantile(acks, .99), quantile(acks, 1)
	f.ViolationP50Ms, f.ViolationP99Ms = quantile(violations, .5), quantile(violations, .99)
	f.UpdateP50Ms, f.UpdateP99Ms = quantile(updates, .5), quantile(updates, .99)
	f.split(acks, violations)
}

func (r *result) report(out string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nscenario\treports/s\tus/report\tKiB/session\ttrips/report\tack p50 ms\tp99"+
		"\tviolation p50 ms\tp99\tupdate p50 ms\tp99\tlost\tdoubled\t")

	names := slices.SortedFunc(maps.Keys(r.Scenarios), func(a, b string) int {
		if (a == redisStopped) != (b == redisStopped) {
			return strings.Compare(a, b) // Digits come before letters.
		}

		return r.Scenarios[a].Sessions - r.Scenarios[b].Sessions
	})

	for _, name := range names {
		f := r.Scenarios[name]
		fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%.3f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t\n", name,
			f.ReportsPerSecond, f.UsPerReport, f.KiBPerSession, f.RoundTripsPerReport, f.AckP50Ms, f.AckP99Ms,
			f.ViolationP50Ms, f.ViolationP99Ms, f.UpdateP50Ms, f.UpdateP99Ms, f.Lost, f.Doubled)
	}

	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}

	if f, ok := r.Scenarios[redisStopped]; ok {
		fmt.Printf("\n%s: %d sessions; longest ack %.1f ms; in use again %.1f s after its return; of %d violations"+
			" %d lost, %d doubled\n", redisStopped, f.Sessions, f.AckMaxMs, f.RecoveredSeconds, f.Counted, f.Lost, f.Doubled)

		if err := f.reportPhases(); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}

	return record.Write(out, r)
}
