package coverage_test

import (
	"reflect"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session/coverage"
)

func TestCause(t *testing.T) {
	t.Parallel()

	on := coverage.Facts{Began: true, Counting: true}
	with := func(change func(*coverage.Facts)) coverage.Facts {
		facts := on
		change(&facts)

		return facts
	}

	for _, test := range []struct {
		name  string
		facts coverage.Facts
		want  coverage.Cause
	}{
		{"never live", coverage.Facts{Counting: true, Receiving: true}, coverage.None},
		{"paused or over", coverage.Facts{Began: true, Receiving: true}, coverage.None},
		{"received", with(func(f *coverage.Facts) { f.Receiving, f.Connected = true, true }), coverage.Observed},
		{"received without a socket", with(func(f *coverage.Facts) { f.Receiving = true }), coverage.Observed},
		{"received from a page that was closed", with(func(f *coverage.Facts) { f.Receiving, f.Left = true, true }),
			coverage.Observed},
		{"received and muted", with(func(f *coverage.Facts) { f.Receiving, f.Connected, f.Muted = true, true, true }),
			coverage.Student},
		{"both gone", on, coverage.Network},
		{"stream gone, page there", with(func(f *coverage.Facts) { f.Connected = true }), coverage.Network},
		{"muted, then no stream", with(func(f *coverage.Facts) { f.Connected, f.Muted = true, true }), coverage.Student},
		{"what a page said before it was gone", with(func(f *coverage.Facts) { f.Muted = true }), coverage.Network},
		{"page closed", with(func(f *coverage.Facts) { f.Left = true }), coverage.Student},
		{"pod gone", with(func(f *coverage.Facts) { f.Connected, f.PodGone = true, true }), coverage.SFU},
		{"pod gone, then the page", with(func(f *coverage.Facts) { f.Left, f.PodGone = true, true }), coverage.SFU},
		{"moved", with(func(f *coverage.Facts) { f.PodGone, f.Moved = true, true }), coverage.Platform},
		{"restarted", with(func(f *coverage.Facts) { f.Restarted = true }), coverage.Platform},
	} {
		if got := test.facts.Cause(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()

	var ledger coverage.Ledger

	if got := ledger.At(1_000); got != nil {
		t.Errorf("nothing counts, and %+v", got)
	}

	ledger.Turn(coverage.Observed, 1_000)
	ledger.Turn(coverage.Observed, 2_000)
	ledger.Turn(coverage.Network, 5_000)
	ledger.Turn(coverage.Observed, 6_000)
	ledger.Turn(coverage.None, 7_000) // paused
	ledger.Turn(coverage.Observed, 100_000)
	ledger.Turn(coverage.SFU, 90_000) // the clock went back
	ledger.Turn(coverage.Student, 90_500)

	want := &wire.Coverage{ObservedMs: 5_000, GapsMs: map[string]int64{"network": 1_000, "sfu": 500, "student": 2_000}}
	if got := ledger.At(92_500); !reflect.DeepEqual(got, want) {
		t.Errorf("coverage %+v, want %+v", got, want)
	}

	// Another process goes on with it.
	marks := map[string]int64{}
	ledger.Mark(marks, 92_500)

	var next coverage.Ledger

	next.Turn(coverage.Platform, 95_000)
	next.Restore(marks, 95_000)
	next.Turn(coverage.Observed, 96_000)

	want.GapsMs["platform"], want.ObservedMs = 3_500, 6_000
	if got := next.At(97_000); !reflect.DeepEqual(got, want) {
		t.Errorf("after a restart %+v, want %+v", got, want)
	}
}

// TestEveryMillisecondHasOneCause: whatever the turns, what is observed and the
// gaps add up to the time that counted.
func TestEveryMillisecondHasOneCause(t *testing.T) {
	t.Parallel()

	var (
		ledger  coverage.Ledger
		at, sum int64
	)

	for step := range int64(10_000) {
		cause := coverage.Cause((step * 7919 % 13) % 6)
		length := step * 104729 % 977
		ledger.Turn(cause, at)

		at += length
		if cause != coverage.None {
			sum += length
		}
	}

	got := ledger.At(at)
	total := got.ObservedMs

	for _, gap := range got.GapsMs {
		total += gap
	}

	if total != sum {
		t.Errorf("spans add up to %d ms, want %d", total, sum)
	}
}
