package store

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/invigil/invigil/scoring/policy"
)

// TestCoversIsWhatMergeSays compares the quick way with the rule.
func TestCoversIsWhatMergeSays(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	record := func() Record {
		r := Record{
			Student: "s1", JoinedAt: 1 + random.Int64N(2), SID: string(rune('a' + random.IntN(2))), Device: "d",
			Generation: 1 + random.Int64N(2), Seq: random.Int64N(4), Live: random.IntN(2) == 0,
		}
		if random.IntN(3) > 0 {
			r.Tally = policy.Tally{"A": {N: random.IntN(3), LastAt: random.Int64N(3)}}
		}

		if random.IntN(8) == 0 {
			r.Marks = map[string]int64{"m": random.Int64N(3)}
		}

		return r
	}

	covered := 0

	for range 20_000 {
		a, b := record(), record()
		if !covers(&a, &b) {
			continue
		}

		covered++

		if merged := Merge(a, b); !reflect.DeepEqual(merged, a) {
			t.Fatalf("%+v covers %+v, and their merger is %+v", a, b, merged)
		}
	}

	if covered < 100 {
		t.Errorf("only %d cases", covered)
	}
}
