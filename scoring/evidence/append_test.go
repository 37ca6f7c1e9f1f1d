package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
	"github.com/invigil/invigil/scoring/internal/s3test"
)

// intact wants verification to find nothing.
func intact(t *testing.T, b *bucket.Bucket) *verify.Report {
	t.Helper()

	report, err := verify.Verify(t.Context(), b, evidencetest.Public(), evidencetest.Exam)
	if err != nil {
		t.Fatal(err)
	}

	for _, problem := range report.Problems {
		t.Errorf("problem: %s", problem)
	}

	return report
}

// The bytes are the contract with auditors: a change here is a new version.
func TestBytesOfARecord(t *testing.T) {
	b, dir := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)

	evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 1))
	evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 2, []byte("picture")))

	want := []string{
		`{"version":1,"exam":"demo/algebra-1","student":"ada","seq":1,"prev":"","id":"ada-1","at":1772442060000,` +
			`"kind":"violation","violation":{"type":"FocusLost","severity":"medium","lastedMs":2500,"score":10,` +
			`"level":"watch","policy":"1"}}`,
		`{"version":1,"exam":"demo/algebra-1","student":"ada","seq":2,` +
			`"prev":"PREV","id":"ada-2","at":1772442120000,` +
			`"kind":"action","action":{"type":"warn","by":"ines",` +
			`"text":"please \"look\" at \u003cyour\u003e screen, \"prev\":\"x\""},` +
			`"blobs":[{"sha256":"d9ad1be85cfa53dc8da2bd8d8f7c8a5071c5fb66c52a4b7e4a3e1b4a2ef0c1f6","size":7,` +
			`"source":"client","capturedAt":1772442119700}]}`,
	}
	want[1] = strings.Replace(want[1], "PREV", format.Hash([]byte(want[0])), 1)
	want[1] = strings.Replace(want[1], "d9ad1be85cfa53dc8da2bd8d8f7c8a5071c5fb66c52a4b7e4a3e1b4a2ef0c1f6",
		format.Hash([]byte("picture")), 1)

	for i, record := range want {
		got, err := os.ReadFile(filepath.Join(dir, "records", "ada", fmt.Sprintf("%08d.json", i+1)))
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(record, string(got)); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i+1, diff)
		}
	}

	if blob, err := os.ReadFile(filepath.Join(dir, format.BlobKey(format.Hash([]byte("picture"))))); err != nil ||
		string(blob) != "picture" {
		t.Errorf("blob %q, %v", blob, err)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	b, dir := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)

	cases := map[string]func(*evidence.Entry){
		"no student":               func(e *evidence.Entry) { e.Student = "" },
		"student leaves folder":    func(e *evidence.Entry) { e.Student = "../ada" },
		"no id":                    func(e *evidence.Entry) { e.ID = "" },
		"long id":                  func(e *evidence.Entry) { e.ID = strings.Repeat("x", 129) },
		"no fact":                  func(e *evidence.Entry) { e.Violation = nil },
		"two facts":                func(e *evidence.Entry) { e.Check = &format.Check{Type: "room", Result: "requested"} },
		"before 1970":              func(e *evidence.Entry) { e.At = -1 },
		"long text":                func(e *evidence.Entry) { e.Violation.Type = strings.Repeat("x", 2001) },
		"picture without source":   func(e *evidence.Entry) { e.Pictures = []evidence.Picture{{JPEG: []byte("x")}} },
		"empty picture":            func(e *evidence.Entry) { e.Pictures = []evidence.Picture{{Source: format.SourceSFU}} },
		"many pictures":            func(e *evidence.Entry) { e.Pictures = make([]evidence.Picture, 9) },
		"unknown action":           action(format.Action{Type: "expel", By: "ines"}),
		"action without its actor": action(format.Action{Type: format.ActionPause}),
		"dismissal without reason": action(format.Action{Type: format.ActionDismiss, By: "ines", Of: "ada-1"}),
	}

	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			entry := evidencetest.Entry("ada", 1)
			spoil(&entry)

			_, err := log.Append(t.Context(), entry)
			if !errors.Is(err, evidence.ErrInvalid) || !evidence.Permanent(err) {
				t.Errorf("got %v", err)
			}
		})
	}

	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("something was written: %v, %v", left, err)
	}
}

func action(a format.Action) func(*evidence.Entry) {
	return func(e *evidence.Entry) { e.Violation, e.Action = nil, &a }
}

func TestARepeatedEntryIsRecordedOnce(t *testing.T) {
	b, _ := evidencetest.Folder(t)

	first := evidencetest.Append(t.Context(), t, evidencetest.Log(t, b), evidencetest.Entry("ada", 1))
	// A new Log is a process after a crash.
	log := evidencetest.Log(t, b)

	for range 2 {
		again := evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 1))
		if again != (evidence.Appended{Seq: first.Seq, Repeated: true}) {
			t.Errorf("again: %+v", again)
		}
	}

	if next := evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 2)); next.Seq != 2 || next.Repeated {
		t.Errorf("next: %+v", next)
	}

	intact(t, b)
}

// lossy answers as a bucket whose acknowledgement of a write gets lost.
type lossy struct {
	*bucket.Bucket
	lose map[string]bool
}

var errLost = errors.New("the answer was lost")

func (l *lossy) Create(ctx context.Context, key string, data []byte) error {
	err := l.Bucket.Create(ctx, key, data)
	if err == nil && l.lose[key] {
		return errLost
	}

	return err
}

func TestALostAnswerIsFoundOut(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	log := evidencetest.Log(t, &lossy{b, map[string]bool{format.RecordKey("ada", 1): true}})

	if _, err := log.Append(t.Context(), evidencetest.Entry("ada", 1)); !errors.Is(err, errLost) {
		t.Fatalf("got %v", err)
	}

	if again := evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 1)); again.Seq != 1 || !again.Repeated {
		t.Errorf("again: %+v", again)
	}

	if next := evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 2)); next.Seq != 2 {
		t.Errorf("next: %+v", next)
	}

	intact(t, b)
}

// Writers with a client each append to the same students, and half of what they
// append is the same.
func TestManyWriters(t *testing.T) {
	test := func(t *testing.T, url string) {
		const writers, entries = 3, 12

		var group sync.WaitGroup

		for writer := range writers {
			log := evidencetest.Log(t, evidencetest.Open(t, url))

			group.Go(func() {
				for n := range entries {
					for _, entry := range []evidence.Entry{
						evidencetest.Entry("ada", n, evidencetest.JPEG(strconv.Itoa(n))),
						evidencetest.Entry("bob", 1000*writer+n),
					} {
						if _, err := log.Append(t.Context(), entry); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}

		group.Wait()

		b := evidencetest.Open(t, url)
		seen := map[string]int{}

		err := b.List(t.Context(), format.Records, func(object bucket.Object) error {
			raw, err := b.Get(t.Context(), object.Key, 1<<20)
			if err != nil {
				return err
			}

			var record format.Record

			err = json.Unmarshal(raw, &record)
			seen[record.ID]++

			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		if len(seen) != entries+writers*entries {
			t.Errorf("%d ids, want %d", len(seen), entries+writers*entries)
		}

		for id, count := range seen {
			if count != 1 {
				t.Errorf("%s is recorded %d times", id, count)
			}
		}

		intact(t, b)
	}

	t.Run("folder", func(t *testing.T) {
		_, dir := evidencetest.Folder(t)
		test(t, "file://"+dir)
	})
	t.Run("s3", func(t *testing.T) { test(t, s3test.Start(t).URL) })
}
