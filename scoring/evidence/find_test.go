package evidence_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

func TestMissingAndFind(t *testing.T) {
	store, _ := evidencetest.Folder(t)
	mine, other := evidencetest.Log(t, store), evidencetest.Log(t, store)

	evidencetest.Append(t.Context(), t, mine, evidencetest.Entry("ada", 1))

	ids := []string{"ada-3", "ada-1", "ada-2"}
	missing := func(want ...string) {
		t.Helper()

		if got, err := mine.Missing(t.Context(), "ada", ids); err != nil || !slices.Equal(got, want) {
			t.Errorf("missing %q, %v, want %q", got, err, want)
		}
	}
	missing("ada-3", "ada-2")

	// What another process has written since counts.
	jpeg := evidencetest.JPEG("x")
	evidencetest.Append(t.Context(), t, other, evidencetest.Entry("ada", 2, jpeg))
	missing("ada-3")

	record, found, err := mine.Find(t.Context(), "ada", "ada-2")
	if err != nil || !found || record.Seq != 2 || len(record.Blobs) != 1 || record.Blobs[0].Size != int64(len(jpeg)) {
		t.Errorf("%+v, %v, %v", record, found, err)
	}

	if _, found, err := mine.Find(t.Context(), "ada", "ada-3"); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}

	if _, err := mine.Missing(t.Context(), "../ada", ids); !errors.Is(err, evidence.ErrInvalid) {
		t.Errorf("%v", err)
	}
}
