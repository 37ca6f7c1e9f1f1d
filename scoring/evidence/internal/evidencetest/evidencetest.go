// Package evidencetest fills buckets for tests.
package evidencetest

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// Exam of every test.
const Exam = "demo/algebra-1"

// Start is when test exams begin.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Key is the same in every run, so that a failure can be looked at again.
func Key() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("this is a seed for tests only 32"))
}

// Public is Key's public half.
func Public() ed25519.PublicKey {
	return ed25519.PublicKey(Key()[ed25519.SeedSize:])
}

// Folder is an empty file bucket.
func Folder(t testing.TB) (b *bucket.Bucket, dir string) {
	t.Helper()

	dir = t.TempDir()

	return Open(t, "file://"+dir), dir
}

// Open opens a bucket until the test ends.
func Open(t testing.TB, url string) *bucket.Bucket {
	t.Helper()

	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { b.Close() })

	return b
}

// Log is a log with a checkpoint every 4 records.
func Log(t testing.TB, store evidence.Store) *evidence.Log {
	t.Helper()

	log, err := evidence.New(store, evidence.Options{
		Exam: Exam, Key: Key(), CheckpointEvery: 4, Now: func() time.Time { return Start },
	})
	if err != nil {
		t.Fatal(err)
	}

	return log
}

// JPEG is bytes that stand for a picture: Log does not look into them.
func JPEG(text string) []byte {
	return []byte("\xff\xd8\xff" + strings.Repeat(text, 20))
}

// Entry is the n-th entry of a student, a minute after the one before.
func Entry(student string, n int, pictures ...[]byte) evidence.Entry {
	entry := evidence.Entry{
		Student: student, ID: fmt.Sprintf("%s-%d", student, n), At: Start.Add(time.Duration(n) * time.Minute).UnixMilli(),
	}

	switch n % 3 {
	case 0:
		entry.State = &format.State{From: "Joined", To: "Live"}
	case 1:
		entry.Violation = &format.Violation{
			Type: "FocusLost", Severity: "medium", LastedMs: 2500, Score: 10, Level: "watch", Policy: "1",
		}
	default:
		entry.Action = &format.Action{Type: format.ActionWarn, By: "ines", Text: `please "look" at <your> screen, "prev":"x"`}
	}

	for i, jpeg := range pictures {
		source := format.SourceClient
		if i > 0 {
			source = format.SourceSFU
		}

		entry.Pictures = append(entry.Pictures, evidence.Picture{JPEG: jpeg, Source: source, CapturedAt: entry.At - 300})
	}

	return entry
}

// Append appends entry and wants it to succeed.
func Append(ctx context.Context, t testing.TB, log *evidence.Log, entry evidence.Entry) evidence.Appended {
	t.Helper()

	done, err := log.Append(ctx, entry)
	if err != nil {
		t.Fatal(err)
	}

	return done
}

// Fill records an exam: ada has 10 records with a picture each, bob 6 with the
// same picture in the last two, cyd 1.
func Fill(t testing.TB, log *evidence.Log) {
	t.Helper()

	for n := 1; n <= 10; n++ {
		Append(t.Context(), t, log, Entry("ada", n, JPEG(fmt.Sprintf("ada-%d", n))))
	}

	for n := 1; n <= 6; n++ {
		var pictures [][]byte
		if n >= 5 {
			pictures = [][]byte{JPEG("bob"), JPEG("bob-sfu")}
		}

		Append(t.Context(), t, log, Entry("bob", n, pictures...))
	}

	Append(t.Context(), t, log, Entry("cyd", 1))
}
