package evidence_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

func TestPurge(t *testing.T) {
	b, dir := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	if _, err := log.Purge(t.Context()); !errors.Is(err, evidence.ErrNotSealed) {
		t.Errorf("before the seal: %v, want ErrNotSealed", err)
	}

	if len(holding(t, dir, evidencetest.JPEG("ada-2"))) != 1 {
		t.Fatal("a picture is gone before the seal")
	}

	if _, err := log.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Another process does it, later, and may be told to do it again.
	later, err := evidence.New(b, evidence.Options{
		Exam: evidencetest.Exam, Key: evidencetest.Key(), Now: func() time.Time { return minute(60) },
	})
	if err != nil {
		t.Fatal(err)
	}

	done, err := later.Purge(t.Context())
	if err != nil || done.Blobs != 12 {
		t.Errorf("purged %+v, %v", done, err)
	}

	if diff := cmp.Diff([]string{"receipts/2026-03-02-1.json"}, done.Receipts); diff != "" {
		t.Errorf("receipts (-want +got):\n%s", diff)
	}

	if report := intact(t, b); report.Blobs != 0 || report.Expired != 12 {
		t.Errorf("%d pictures are there, %d expired", report.Blobs, report.Expired)
	}

	if again, err := later.Purge(t.Context()); err != nil || again.Receipts != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
}
