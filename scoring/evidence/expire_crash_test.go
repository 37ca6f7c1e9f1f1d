package evidence_test

import (
	"errors"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// What a crash leaves of an expiry is finished or cleared away by the next one.
func TestExpireAfterACrash(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	orphan := evidencetest.JPEG("orphan")
	if err := b.Create(t.Context(), format.BlobKey(format.Hash(orphan)), orphan); err != nil {
		t.Fatal(err)
	}

	if _, err := log.Expire(t.Context(), minute(3)); err != nil {
		t.Fatal(err)
	}

	// A picture that was not deleted any more, and a receipt without signature.
	old, unsigned := evidencetest.JPEG("ada-2"), format.ReceiptKey("2026-03-02", 2)

	raw, err := format.Encode(format.Receipt{
		Version: 1, Exam: evidencetest.Exam, Before: minute(99).UnixMilli(),
		Blobs: []format.Deleted{{SHA256: format.Hash(evidencetest.JPEG("ada-9")), Why: format.WhyRetention}},
	})
	if err := errors.Join(err, b.Create(t.Context(), format.BlobKey(format.Hash(old)), old),
		b.Create(t.Context(), unsigned, raw)); err != nil {
		t.Fatal(err)
	}

	report, err := verify.Verify(t.Context(), b, evidencetest.Public(), evidencetest.Exam)
	if err != nil || report.Undeleted != 1 || report.Unreferenced != 1 {
		t.Errorf("%+v, %v", report, err)
	}

	done, err := log.Expire(t.Context(), minute(3))
	if err != nil || done.Blobs != 1 {
		t.Fatalf("%+v, %v", done, err)
	}

	// The orphan goes by its age in the bucket.
	if done, err = log.Expire(t.Context(), time.Now().Add(time.Hour)); err != nil || done.Blobs == 0 {
		t.Fatalf("%+v, %v", done, err)
	}

	if report := intact(t, b); report.Undeleted != 0 || report.Unreferenced != 0 {
		t.Errorf("%+v", report)
	}
}

// An unsigned receipt for something that is missing is a trace, and stays.
func TestExpireKeepsSuspiciousReceipts(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	const receipt = "receipts/2026-03-02-1.json"

	if _, err := log.Expire(t.Context(), minute(3)); err != nil {
		t.Fatal(err)
	}

	remove(t, b, receipt+format.SignatureSuffix)

	if _, err := log.Expire(t.Context(), minute(5)); err != nil {
		t.Fatal(err)
	}

	if there, err := b.Exists(t.Context(), receipt); err != nil || !there {
		t.Errorf("the receipt is there: %v, %v", there, err)
	}

	if signed, err := b.Exists(t.Context(), receipt+format.SignatureSuffix); err != nil || signed {
		t.Errorf("it is signed: %v, %v", signed, err)
	}
}
