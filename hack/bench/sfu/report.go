package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/invigil/invigil/hack/bench/record"
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
		{"context_switches_per_s", "%.0f switches/s"},
		{"rss_mib", "%.0f MiB"},
		{"kib_per_student", "%.0f KiB/student"},
		{"join_cpu_ms", "join %.1f ms CPU"},
		{"join_p50_ms", "p50 %.0f ms"},
		{"join_p99_ms", "p99 %.0f ms"},
	} {
		if value, ok := f[part.name]; ok {
			parts = append(parts, fmt.Sprintf(part.format, value))
		}
	}

	return strings.Join(parts, ", ")
}

// result is what bin/bench/sfu.json holds.
type result struct {
	Machine machine `json:"machine"`
	// WindowSeconds is what was measured of each run.
	WindowSeconds float64 `json:"window_seconds"`
	// Scenarios are medians over the runs, each figure by itself.
	Scenarios map[string]figures   `json:"scenarios"`
	Runs      map[string][]figures `json:"runs"`
}

type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	// Go is what the sfu program was built with.
	Go string `json:"go"`
	// Load is the load average over the minute before: what else was going on.
	Load string `json:"load"`
}

func describeMachine(binary string) (machine, error) {
	built, err := buildinfo.ReadFile(binary)
	if err != nil {
		return machine{}, fmt.Errorf("sfu program: %w", err)
	}

	m := machine{Cores: runtime.NumCPU(), Go: built.GoVersion, CPU: runtime.GOARCH}

	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	if _, rest, ok := bytes.Cut(cpus, []byte("model name")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		m.CPU = strings.TrimSpace(strings.TrimLeft(string(line), " \t:"))
	}

	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	m.Kernel = strings.TrimSpace(string(release))

	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	m.Load, _, _ = strings.Cut(string(load), " ")

	return m, nil
}

func newResult(m machine, o options) *result {
	return &result{
		Machine:       m,
		WindowSeconds: o.window.Seconds(),
		Scenarios:     map[string]figures{},
		Runs:          map[string][]figures{},
	}
}

// add counts a run.
func (r *result) add(s scenario, f figures) {
	r.Runs[s.name] = append(r.Runs[s.name], f)
	medians := figures{}

	for name := range f {
		sorted := r.sorted(s.name, name)
		medians[name] = sorted[len(sorted)/2]
	}

	r.Scenarios[s.name] = medians
}

func (r *result) sorted(scenario, figure string) []float64 {
	var values []float64
	for _, f := range r.Runs[scenario] {
		values = append(values, f[figure])
	}

	slices.Sort(values)

	return values
}

// row is a line of the table. What others spend was measured at another time,
// with another generator of the same workload: 45 packets/s of 1,000 bytes,
// AES-128-GCM, on loopback, two shared cores of an Intel Xeon, CPU time. LiveKit
// 1.13.11 was built on upstream pion, mediasoup is 3.7.19; the bare limit is one
// goroutine that reads and decrypts, and no SFU.
type row struct {
	scenario, label, figure, format       string
	livekit, mediasoup, bareLimit, target string
}

func rows() []row {
	return []row{
		{"S0", "cores, 50 students", "cores", "%.3f", "0.167", "0.046", "0.063", "0.045"},
		{"S0", "us per packet", "us_per_packet", "%.1f", "73.0", "20.2", "", ""},
		{"S0", "context switches/s", "context_switches_per_s", "%.0f", "5317", "1237", "", ""},
		{"S0", "KiB per student", "kib_per_student", "%.0f", "1485", "185", "", "307"},
		{"S0", "loss %", "loss_percent", "%.3f", "", "", "", ""},
		{"A0", "cores, 100 students", "cores", "%.3f", "0.313", "0.087", "0.077", "0.085"},
		{"A0", "us per packet", "us_per_packet", "%.1f", "68.7", "19.3", "17.2", ""},
		{"A0", "context switches/s", "context_switches_per_s", "%.0f", "6497", "1437", "2841", ""},
		{"A0", "KiB per student", "kib_per_student", "%.0f", "1560", "161", "", "307"},
		{"A0", "loss %", "loss_percent", "%.3f", "", "", "", ""},
		{"I0", "ms CPU/s per silent student", "ms_per_s_per_student", "%.2f", "0.39", "0.11", "", "0.15"},
		{"I0", "context switches/s", "context_switches_per_s", "%.0f", "1012", "209", "", ""},
		{"I0", "KiB per student", "kib_per_student", "%.0f", "774", "157", "", ""},
		{"J", "ms CPU per join, 100 at once", "join_cpu_ms", "%.1f", "9.8", "1.6", "", "2.0"},
		{"J", "join p50 ms", "join_p50_ms", "%.0f", "420", "301", "", ""},
		{"J", "join p99 ms", "join_p99_ms", "%.0f", "694", "341", "", "400"},
		{"J", "KiB per student", "kib_per_student", "%.0f", "", "", "", "307"},
	}
}

// report prints the table and writes the figures to out.
func report(r *result, out string) error {
	fmt.Printf("\n%s, %d cores, Linux %s, %s; load %s before the first run\n",
		r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Machine.Load)

	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "\nSCENARIO\tFIGURE\tMEDIAN\tLOWEST..HIGHEST\t|\tLIVEKIT*\tMEDIASOUP*\tBARE LIMIT*\tTARGET")

	for _, row := range rows() {
		values := r.sorted(row.scenario, row.figure)
		if len(values) == 0 {
			continue
		}

		fmt.Fprintf(table, "%s\t%s\t"+row.format+"\t"+row.format+".."+row.format+"\t|\t%s\t%s\t%s\t%s\n",
			row.scenario, row.label, r.Scenarios[row.scenario][row.figure], values[0], values[len(values)-1],
			dash(row.livekit), dash(row.mediasoup), dash(row.bareLimit), dash(row.target))
	}

	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}

	fmt.Println("\n* Not measured now: another time, two shared cores of an Intel Xeon, another generator of the same workload.")

	return record.Write(out, r)
}

func dash(figure string) string {
	if figure == "" {
		return "-"
	}

	return figure
}
