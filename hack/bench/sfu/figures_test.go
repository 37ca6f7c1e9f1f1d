package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestKeys guards the names that other programs read, and the arithmetic behind
// them.
func TestKeys(t *testing.T) {
	var (
		o        = options{scenarios: allScenarios()}
		peer     = product{name: janusName, version: "1.1.2"}
		measured = newResult(machine{}, o, []product{{name: oursName}, peer})
	)

	for _, cores := range []float64{0.3, 0.1, 0.2} {
		for _, s := range o.scenarios {
			f := figures{
				"cores": cores + float64(s.viewers)/100, "join_cpu_ms": 2, "join_p99_ms": 300,
				"latency_p50_ms": 0.5, "latency_p99_ms": 2, "forwarded_packets_per_s": 10000,
				"p95_ms": 40, "burst_p95_ms": 60,
			}

			for _, p := range []product{{name: oursName}, peer} {
				measured.add(p, s, f)
			}
		}
	}

	measured.derive(o.scenarios)

	data, err := json.Marshal(measured)
	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]float64{
		"scenarios.S0.cores":             0.2,
		"scenarios.S2.cores":             0.24,
		"scenarios.S2.us_per_forwarded":  4,
		"scenarios.S3.us_per_forwarded":  8,
		"assign.p95_ms":                  40,
		"assign.burst_p95_ms":            60,
		"latency.p50_ms":                 0.5,
		"J.cpu_ms_per_join":              2,
		"J.p99_ms":                       300,
		"scenarios.J.join_cpu_ms":        2,
		"peers.janus.scenarios.S3.cores": 0.28,
		"peers.janus.latency.p99_ms":     2,
	} {
		if got := at(t, data, path); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%s = %v, want %v", path, got, want)
		}
	}

	peers := []string{janusName}
	for _, row := range rows() {
		if cells := measured.cells(row, peers); cells != nil && len(cells) != len(measured.header(peers)) {
			t.Errorf("%s %s: %d cells", row.scenario, row.label, len(cells))
		}
	}
}

// at returns the number at a dotted path.
func at(t *testing.T, data []byte, path string) float64 {
	t.Helper()

	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}

	for name := range strings.SplitSeq(path, ".") {
		fields, ok := value.(map[string]any)
		if !ok {
			t.Errorf("%s: nothing at %s", path, name)

			return 0
		}

		value = fields[name]
	}

	number, ok := value.(float64)
	if !ok {
		t.Errorf("%s is no number: %v", path, value)
	}

	return number
}
