package sessions

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/internal/wire"
)

// Counts alone do not make a new view until the last one has aged: what is written
// at every violation would stream through etcd.
func TestEvidenceNow(t *testing.T) {
	t.Parallel()

	before := &wire.EvidenceStatus{Records: 10, Pictures: 2, Backlog: 1}

	cases := map[string]struct {
		before, answered *wire.EvidenceStatus
		young            bool
		want             *wire.EvidenceStatus
	}{
		"the first": {answered: before, young: true, want: before},
		"more records, a moment later": {
			before: before, answered: &wire.EvidenceStatus{Records: 11, Pictures: 3}, young: true, want: before,
		},
		"more records, some time later": {
			before: before, answered: &wire.EvidenceStatus{Records: 11}, want: &wire.EvidenceStatus{Records: 11},
		},
		"sealed a moment later": {
			before: before, answered: &wire.EvidenceStatus{Records: 11, SealedAt: 1, Head: "h"}, young: true,
			want: &wire.EvidenceStatus{Records: 11, SealedAt: 1, Head: "h"},
		},
		"failing a moment later": {
			before: before, answered: &wire.EvidenceStatus{Records: 10, Failing: "full"}, young: true,
			want: &wire.EvidenceStatus{Records: 10, Failing: "full"},
		},
		"kept no more": {before: before, young: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if diff := cmp.Diff(tc.want, evidenceNow(tc.before, tc.answered, tc.young)); diff != "" {
				t.Errorf("view (-want +got):\n%s", diff)
			}
		})
	}
}
