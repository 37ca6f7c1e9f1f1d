package shards_test

import (
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/shards"
)

func TestPicture(t *testing.T) {
	t.Parallel()

	luminance := func(v float64) *float64 { return &v }
	still := func(v int64) *int64 { return &v }

	for _, test := range []struct {
		stream      wire.Stream
		dark, still bool
	}{
		{wire.Stream{}, false, false}, // the pod has not looked
		{wire.Stream{Luminance: luminance(0), StillMs: still(0)}, true, false},
		{wire.Stream{Luminance: luminance(21.9), StillMs: still(59_999)}, true, false},
		{wire.Stream{Luminance: luminance(22), StillMs: still(60_000)}, false, true},
	} {
		if dark, still := shards.Dark(test.stream), shards.Still(test.stream); dark != test.dark || still != test.still {
			t.Errorf("%+v: dark %t, still %t", test.stream, dark, still)
		}
	}
}
