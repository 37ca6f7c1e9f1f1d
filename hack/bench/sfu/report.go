package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/invigil/invigil/hack/bench/record"
)

// result is what bin/bench/sfu.json holds: ours, and the same of other SFUs
// below peers.
type result struct {
	Machine machine `json:"machine"`
	// WindowSeconds is what was measured of each run.
	WindowSeconds float64 `json:"window_seconds"`

	*series

	Peers map[string]*series `json:"peers,omitempty"`

	scenarios []scenario
}

func newResult(m machine, o options, products []product) *result {
	r := &result{
		Machine:       m,
		WindowSeconds: o.window.Seconds(),
		series:        newSeries(""),
		Peers:         map[string]*series{},
		scenarios:     o.scenarios,
	}

	for _, p := range products {
		if p.name != oursName {
			r.Peers[p.name] = newSeries(p.version)
		}
	}

	return r
}

func (r *result) of(p product) *series {
	if p.name == oursName {
		return r.series
	}

	return r.Peers[p.name]
}

// add counts a run.
func (r *result) add(p product, s scenario, f figures) { r.of(p).add(s, f) }

// fail notes a run that is none.
func (r *result) fail(p product, s scenario, n int, err error) {
	series := r.of(p)
	series.Failed = append(series.Failed, fmt.Sprintf("%s, run %d: %s", s.name, n, firstLine([]byte(err.Error()))))
}

// report prints the table and writes the figures to out.
func report(r *result, out string) error {
	r.derive(r.scenarios)

	for _, peer := range r.Peers {
		peer.derive(r.scenarios)
	}

	fmt.Printf("\n%s, %d cores, Linux %s, %s; load %s before the first run\n",
		r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Machine.Load)

	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	names := slices.Sorted(maps.Keys(r.Peers))

	fmt.Fprintln(table, "\n"+strings.Join(r.header(names), "\t"))

	for _, row := range rows() {
		if cells := r.cells(row, names); cells != nil {
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
	}

	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}

	fmt.Println("\n* Not measured now: another time, two shared cores of an Intel Xeon, another generator of the same workload.")

	return record.Write(out, r)
}

func (r *result) header(peers []string) []string {
	header := []string{"SCENARIO", "FIGURE", "MEDIAN", "LOWEST..HIGHEST"}
	for _, name := range peers {
		header = append(header, "|", strings.ToUpper(name)+" "+r.Peers[name].Version, "LOWEST..HIGHEST")
	}

	header = append(header, "|", "LIVEKIT*", "MEDIASOUP*")
	if r.Peers[janusName] == nil {
		header = append(header, "JANUS*")
	}

	return append(header, "BARE LIMIT*", "TARGET")
}

// cells of a row; nil if nothing of it was measured.
func (r *result) cells(row row, peers []string) []string {
	ours := r.measured(row)
	measured := ours != nil

	cells := append([]string{row.scenario, row.label}, dashes(ours)...)

	for _, name := range peers {
		theirs := r.Peers[name].measured(row)
		measured = measured || theirs != nil
		cells = append(append(cells, "|"), dashes(theirs)...)
	}

	if !measured {
		return nil
	}

	cells = append(cells, "|", dash(row.reference.livekit), dash(row.reference.mediasoup))
	if r.Peers[janusName] == nil {
		cells = append(cells, dash(row.reference.janus))
	}

	return append(cells, dash(row.reference.bareLimit), dash(row.target))
}

// measured returns the median, and the lowest and highest, of the row's figure;
// nil if there is none.
func (s *series) measured(row row) []string {
	scenario, figure := row.source()

	values := s.sorted(scenario, figure)
	if len(values) == 0 {
		return nil
	}

	format := func(value float64) string { return fmt.Sprintf(row.format, value) }

	return []string{format(s.Scenarios[scenario][figure]), format(values[0]) + ".." + format(values[len(values)-1])}
}

func dashes(figures []string) []string {
	if figures == nil {
		return []string{"-", "-"}
	}

	return figures
}

func dash(figure string) string {
	if figure == "" {
		return "-"
	}

	return figure
}
