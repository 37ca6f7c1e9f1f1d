package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/internal/s3test"
)

func TestWriterTellsOfEntriesThatFailForGood(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	failed := make(chan string, 1)
	options := quick()
	options.Failed = func(entry evidence.Entry, err error) { failed <- fmt.Sprint(entry.ID, ": ", err) }
	w := evidence.NewWriter(log, options)

	if _, err := log.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := w.Enqueue(evidencetest.Entry("ada", 1)); err != nil {
		t.Fatal(err)
	}

	if got := <-failed; !strings.HasPrefix(got, "ada-1: ") {
		t.Errorf("failed: %s", got)
	}

	if _, err := w.Append(t.Context(), evidencetest.Entry("bob", 1)); !errors.Is(err, evidence.ErrSealed) {
		t.Errorf("append: %v", err)
	}

	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := metric(t, w, "failed_total"); got != 2 {
		t.Errorf("failed_total is %v", got)
	}
}

// The bucket goes away in the middle and comes back: nothing is lost, nothing is
// there twice, and the order holds.
func TestWriterWhileTheBucketIsAway(t *testing.T) {
	test := func(t *testing.T, url string, away, back func()) {
		b := evidencetest.Open(t, url)
		w := evidence.NewWriter(evidencetest.Log(t, b), quick())

		for n := 1; n <= 30; n++ {
			if n == 10 {
				away()
			}

			for _, student := range []string{"ada", "bob"} {
				if err := w.Enqueue(evidencetest.Entry(student, n, evidencetest.JPEG(fmt.Sprint(student, n)))); err != nil {
					t.Fatal(err)
				}
			}
		}

		eventually(t, "retries", func() bool { return metric(t, w, "retries_total") >= 2 })

		if metric(t, w, "backlog") == 0 {
			t.Error("no backlog while the bucket is away")
		}

		back()

		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		for _, student := range []string{"ada", "bob"} {
			numbers := order(t, b, student)
			for i, n := range numbers {
				if n != i+1 || len(numbers) != 30 {
					t.Fatalf("%s: %v", student, numbers)
				}
			}
		}

		if got := metric(t, w, "appended_total"); got != 60 {
			t.Errorf("appended_total is %v", got)
		}

		intact(t, b)
	}

	t.Run("folder", func(t *testing.T) {
		_, dir := evidencetest.Folder(t)
		move := func(from, to string) func() {
			return func() {
				if err := os.Rename(from, to); err != nil {
					t.Error(err)
				}
			}
		}
		test(t, "file://"+dir, move(dir, dir+".away"), move(dir+".away", dir))
	})
	t.Run("s3", func(t *testing.T) {
		server := s3test.Start(t)
		test(t, server.URL, server.Kill, server.Restart)
	})
}

func TestWriterGivesUpWhenItsTimeIsOver(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	w := evidence.NewWriter(evidencetest.Log(t, newGate(b)), quick())

	for n := 1; n <= 3; n++ {
		if err := w.Enqueue(evidencetest.Entry("ada", n)); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()

	if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 entries") {
		t.Errorf("closed: %v", err)
	}
}
