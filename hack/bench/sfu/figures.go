package main

import (
	"fmt"
	"slices"
	"strings"
)

// figures are what one run measured, or the medians of several, by their names
// in bin/bench/sfu.json.
type figures map[string]float64

// String is the line that is printed of a run.
func (f figures) String() string {
	var parts []string

	for _, part := range []struct{ name, format string }{
		{"cores", "%.3f cores"},
		{"ms_per_s_per_student", "%.2f ms/s per student"},
		{"packets_per_s", "%.0f packets/s"},
		{"us_per_packet", "%.1f us/packet"},
		{"loss_percent", "%.3f %% lost"},
		{"forwarded_packets_per_s", "%.0f forwarded/s"},
		{"viewer_loss_percent", "%.3f %% lost to viewers"},
		{"latency_p50_ms", "latency p50 %.2f ms"},
		{"latency_p99_ms", "p99 %.2f ms"},
		{"context_switches_per_s", "%.0f switches/s"},
		{"rss_mib", "%.0f MiB"},
		{"kib_per_student", "%.0f KiB/student"},
		{"kib_per_slot", "%.0f KiB/slot"},
		{"join_cpu_ms", "join %.1f ms CPU"},
		{"join_p50_ms", "p50 %.0f ms"},
		{"join_p99_ms", "p99 %.0f ms"},
		{"p50_ms", "assign p50 %.1f ms"},
		{"p95_ms", "p95 %.1f ms"},
		{"burst_p50_ms", "burst p50 %.1f ms"},
		{"burst_p95_ms", "p95 %.1f ms"},
		{"socket_drops", "%.0f socket drops"},
		{"generator_cores", "generator %.2f cores"},
	} {
		if value, ok := f[part.name]; ok {
			parts = append(parts, fmt.Sprintf(part.format, value))
		}
	}

	return strings.Join(parts, ", ")
}

// series is what was measured of one server.
type series struct {
	// Version of the server, in its own words; empty: ours.
	Version string `json:"version,omitempty"`
	// Scenarios are medians over the runs, each figure by itself.
	Scenarios map[string]figures   `json:"scenarios"`
	Runs      map[string][]figures `json:"runs"`
	// Failed are the runs that are none.
	Failed []string `json:"failed,omitempty"`

	// Assign is how long a slot takes to show another student.
	Assign figures `json:"assign,omitempty"`
	// Latency is that of S2, J the joins of scenario J.
	Latency figures `json:"latency,omitempty"`
	J       figures `json:"J,omitempty"`
}

func newSeries(version string) *series {
	return &series{Version: version, Scenarios: map[string]figures{}, Runs: map[string][]figures{}}
}

// add counts a run of the scenario.
func (s *series) add(of scenario, f figures) {
	s.Runs[of.name] = append(s.Runs[of.name], f)
	s.Scenarios[of.name] = s.medians(of.name)

	switch of.name {
	case "assign":
		s.Assign = s.pick(of.name, map[string]string{
			"p50_ms": "p50_ms", "p95_ms": "p95_ms", "burst_p50_ms": "burst_p50_ms", "burst_p95_ms": "burst_p95_ms",
		})
	case "S2":
		s.Latency = s.pick(of.name, map[string]string{"p50_ms": "latency_p50_ms", "p99_ms": "latency_p99_ms"})
	case "J":
		s.J = s.pick(of.name, map[string]string{
			"cpu_ms_per_join": "join_cpu_ms", "p50_ms": "join_p50_ms", "p99_ms": "join_p99_ms",
			"kib_per_student": "kib_per_student",
		})
	}
}

// pick returns some of a scenario's medians under names of their own.
func (s *series) pick(scenario string, names map[string]string) figures {
	picked := figures{}
	for name, figure := range names {
		picked[name] = s.Scenarios[scenario][figure]
	}

	return picked
}

func (s *series) medians(scenario string) figures {
	medians := figures{}

	for _, f := range s.Runs[scenario] {
		for name := range f {
			sorted := s.sorted(scenario, name)
			medians[name] = sorted[len(sorted)/2]
		}
	}

	return medians
}

// sorted are the values that the scenario's runs have of the figure.
func (s *series) sorted(scenario, figure string) []float64 {
	var values []float64

	for _, f := range s.Runs[scenario] {
		if value, ok := f[figure]; ok {
			values = append(values, value)
		}
	}

	slices.Sort(values)

	return values
}

// derive adds what forwarding costs, in us of CPU per forwarded packet: what a
// scenario costs more than the same class without viewers. Runs are compared in
// their order, medians with medians.
func (s *series) derive(scenarios []scenario) {
	for _, of := range scenarios {
		if of.base == "" || s.Scenarios[of.base] == nil || s.Scenarios[of.name] == nil {
			continue
		}

		priceForwarding(s.Scenarios[of.name], s.Scenarios[of.base])

		for i, f := range s.Runs[of.name] {
			if base := s.Runs[of.base]; i < len(base) {
				priceForwarding(f, base[i])
			}
		}
	}
}

func priceForwarding(f, base figures) {
	f["us_per_forwarded"] = (f["cores"] - base["cores"]) * 1e6 / f["forwarded_packets_per_s"]
}
