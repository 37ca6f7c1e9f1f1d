package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

func TestSeal(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log, other := evidencetest.Log(t, b), evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	seal, err := log.Seal(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	ends := map[string]int64{}
	for _, end := range seal.Students {
		ends[end.Student] = end.Seq
	}

	if diff := cmp.Diff(map[string]int64{"ada": 10, "bob": 6, "cyd": 1}, ends); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}

	if again, err := other.Seal(t.Context()); err != nil || !cmp.Equal(seal, again) {
		t.Errorf("sealed again: %+v, %v", again, err)
	}

	for name, log := range map[string]*evidence.Log{"same": log, "other": evidencetest.Log(t, b), "new": evidencetest.Log(t, b)} {
		for _, student := range []string{"ada", "dan"} {
			if _, err := log.Append(t.Context(), evidencetest.Entry(student, 99)); !errors.Is(err, evidence.ErrSealed) {
				t.Errorf("%s process appended after the seal to %s: %v", name, student, err)
			}
		}

		if again := evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 3)); !again.Repeated {
			t.Errorf("%s process: a repetition of what is sealed: %+v", name, again)
		}
	}

	report := intact(t, b)
	for _, student := range report.Students {
		if student.Proven != student.Records {
			t.Errorf("not all proven: %+v", student)
		}
	}
}

// What was acknowledged while the seal was made is in the seal, and what was
// refused is not in the bucket.
func TestSealDuringAppends(t *testing.T) {
	for round := range 10 {
		b, dir := evidencetest.Folder(t)
		ctx, cancel := context.WithCancel(t.Context())

		var (
			group sync.WaitGroup
			mu    sync.Mutex
		)

		acknowledged := map[string]int64{}
		started := make(chan struct{}, 100)

		for writer := range 4 {
			log := evidencetest.Log(t, evidencetest.Open(t, "file://"+dir))
			student := fmt.Sprintf("s%d", writer/2) // Two writers per student.

			group.Go(func() {
				for n := 1; n < 1000; n++ {
					done, err := log.Append(ctx, evidencetest.Entry(student, 100000*writer+n))
					if err != nil {
						if !errors.Is(err, evidence.ErrSealed) && ctx.Err() == nil {
							t.Error(err)
						}

						return
					}

					if n == 999 {
						t.Error("never refused")
					}

					mu.Lock()
					acknowledged[student] = max(acknowledged[student], done.Seq)
					mu.Unlock()

					select {
					case started <- struct{}{}:
					default:
					}
				}
			})
		}

		for range 4 + 4*round {
			<-started
		}

		seal, err := evidencetest.Log(t, b).Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		group.Wait() // They end because they are refused.
		cancel()

		for _, end := range seal.Students {
			if acknowledged[end.Student] > end.Seq {
				t.Fatalf("round %d: %s: %d acknowledged, %d sealed", round, end.Student, acknowledged[end.Student], end.Seq)
			}
		}

		intact(t, b)
	}
}

// A process that dies between the steps of a seal leaves something that the next
// call finishes.
func TestSealIsFinishedAfterACrash(t *testing.T) {
	for _, missing := range [][]string{
		{format.SealKey, format.SealKey + format.SignatureSuffix},
		{format.SealKey + format.SignatureSuffix},
	} {
		b, _ := evidencetest.Folder(t)
		log := evidencetest.Log(t, b)
		evidencetest.Fill(t, log)

		if _, err := log.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}

		for _, key := range missing {
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}

		_, err := evidencetest.Log(t, b).Append(t.Context(), evidencetest.Entry("ada", 50))
		if !errors.Is(err, evidence.ErrSealing) || evidence.Permanent(err) {
			t.Errorf("append to a half-sealed exam: %v", err)
		}

		if _, err := evidencetest.Log(t, b).Seal(t.Context()); err != nil {
			t.Fatal(err)
		}

		intact(t, b)
	}
}

func TestAForgedSealIsNotSigned(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	raw, err := format.Encode(format.Seal{Version: format.Version, Exam: evidencetest.Exam, Students: []format.Sealed{}})
	if err != nil {
		t.Fatal(err)
	}

	for _, key := range []string{format.SealKey, format.SealingKey} {
		if err := b.Create(t.Context(), key, raw); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := log.Seal(t.Context()); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("sealed: %v", err)
	}

	// Nor is anything deleted on its word, without a signature or with a stranger's.
	if _, err := log.Append(t.Context(), evidencetest.Entry("ada", 3)); !errors.Is(err, evidence.ErrSealing) {
		t.Errorf("repeated: %v", err)
	}

	if err := b.Create(t.Context(), format.SealKey+format.SignatureSuffix, make([]byte, format.SignatureSize)); err != nil {
		t.Fatal(err)
	}

	if _, err := log.Append(t.Context(), evidencetest.Entry("ada", 3)); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("repeated under a stranger's seal: %v", err)
	}

	if there, err := b.Exists(t.Context(), format.RecordKey("ada", 3)); err != nil || !there {
		t.Errorf("the record is there: %v, %v", there, err)
	}
}

var _ evidence.Store = (*bucket.Bucket)(nil)
