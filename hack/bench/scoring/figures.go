package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/invigil/invigil/hack/bench/record"
)

// result is what bin/bench/scoring.json holds.
type result struct {
	Machine machine `json:"machine"`
	// Scenarios by number of sessions.
	Scenarios map[string]figures `json:"scenarios"`
	Stopped   *outage            `json:"stopped,omitempty"`
}

type machine struct {
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	// Load is the load average over the minute before: what else was going on.
	Load string `json:"load"`
}

// figures of one number of sessions, over the window.
type figures struct {
	ReportsPerSecond float64 `json:"reports_per_s"`
	// UsPerReport is the program's whole CPU time, per report.
	UsPerReport float64 `json:"us_per_report"`
	// KiBPerSession is what the program has grown by since nobody had joined.
	KiBPerSession float64 `json:"kib_per_session"`
	// RoundTripsPerReport is how often Redis was asked for anything.
	RoundTripsPerReport float64 `json:"round_trips_per_report"`

	latency
	balance
}

// latency from a report to its acknowledgement, as the student's side sees it.
type latency struct {
	AckP50Ms float64 `json:"ack_p50_ms"`
	AckP99Ms float64 `json:"ack_p99_ms"`
	AckMaxMs float64 `json:"ack_max_ms"`
}

// balance compares the violations that were acknowledged with Redis.
type balance struct {
	Reports int64 `json:"reports"`
	Counted int64 `json:"counted"`
	Lost    int64 `json:"lost"`
	Doubled int64 `json:"doubled"`
}

// outage is what a stopped Redis does to the acknowledgements of the reports
// that are sent meanwhile.
type outage struct {
	Sessions       int     `json:"sessions"`
	StoppedSeconds float64 `json:"stopped_s"`
	// RecoveredSeconds from Redis's return to its use.
	RecoveredSeconds float64 `json:"recovered_s"`

	latency
	balance
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

func latencyOf(took []time.Duration) latency {
	if len(took) == 0 {
		return latency{}
	}

	slices.Sort(took)

	ms := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
	}

	return latency{AckP50Ms: ms(.5), AckP99Ms: ms(.99), AckMaxMs: ms(1)}
}

func (r *result) report(out string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nsessions\treports/s\tus/report\tKiB/session\ttrips/report\tack p50 ms\tp99\tlost\tdoubled\t")

	for _, size := range slices.SortedFunc(maps.Keys(r.Scenarios), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)

		return x - y
	}) {
		f := r.Scenarios[size]
		fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%.3f\t%.1f\t%.1f\t%d\t%d\t\n", size, f.ReportsPerSecond,
			f.UsPerReport, f.KiBPerSession, f.RoundTripsPerReport, f.AckP50Ms, f.AckP99Ms, f.Lost, f.Doubled)
	}

	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}

	if s := r.Stopped; s != nil {
		fmt.Printf("\nRedis stopped for %.0f s under %d sessions: ack p50 %.1f ms, p99 %.1f ms, longest %.1f ms;"+
			" in use again %.1f s after its return; of %d violations %d lost, %d doubled\n",
			s.StoppedSeconds, s.Sessions, s.AckP50Ms, s.AckP99Ms, s.AckMaxMs, s.RecoveredSeconds,
			s.Counted, s.Lost, s.Doubled)
	}

	return record.Write(out, r)
}
