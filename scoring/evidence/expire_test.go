package evidence_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
	"github.com/invigil/invigil/scoring/internal/s3test"
)

// holding are the files of a bucket's folder that contain the bytes.
func holding(t *testing.T, dir string, content []byte) []string {
	t.Helper()

	var names []string

	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		raw, err := os.ReadFile(name)
		if strings.Contains(string(raw), string(content)) {
			names = append(names, name)
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return names
}

func minute(n int) time.Time { return evidencetest.Start.Add(time.Duration(n) * time.Minute) }

func TestExpire(t *testing.T) {
	test := func(t *testing.T, url, dir string) {
		b := evidencetest.Open(t, url)
		log := evidencetest.Log(t, b)
		evidencetest.Fill(t, log)

		// The same picture in an old record and in a new one.
		shared := evidencetest.JPEG("shared")
		evidencetest.Append(t.Context(), t, log, evidencetest.Entry("dan", 2, shared))
		evidencetest.Append(t.Context(), t, log, evidencetest.Entry("dan", 20, shared))

		if _, err := log.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}

		old, recent := evidencetest.JPEG("ada-2"), evidencetest.JPEG("ada-9")
		if len(holding(t, dir, old)) != 1 {
			t.Fatal("the test does not find the picture's bytes")
		}

		done, err := log.Expire(t.Context(), minute(7)) // ada's 1 to 6, bob's 5 and 6.
		if err != nil {
			t.Fatal(err)
		}

		var size int64
		for _, text := range []string{"ada-1", "ada-2", "ada-3", "ada-4", "ada-5", "ada-6", "bob", "bob-sfu"} {
			size += int64(len(evidencetest.JPEG(text)))
		}

		want := evidence.Expired{Blobs: 8, Bytes: size, Receipts: []string{"receipts/2026-03-02-1.json"}}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}

		if left := holding(t, dir, old); left != nil {
			t.Errorf("the bytes are still in %v", left)
		}

		for name, kept := range map[string][]byte{"recent": recent, "shared": shared} {
			if len(holding(t, dir, kept)) != 1 {
				t.Errorf("the %s picture is gone", name)
			}
		}

		if report := intact(t, b); report.Expired != 8 || report.Blobs != 5 {
			t.Errorf("%d expired, %d there", report.Expired, report.Blobs)
		}

		// Again: nothing to do, and no receipt of nothing.
		if again, err := log.Expire(t.Context(), minute(7)); err != nil || again.Receipts != nil {
			t.Errorf("again: %+v, %v", again, err)
		}

		if done, err = log.Expire(t.Context(), minute(21)); err != nil || done.Blobs != 5 {
			t.Errorf("the rest: %+v, %v", done, err)
		}

		if left := holding(t, dir, shared); left != nil {
			t.Errorf("the shared picture is still in %v", left)
		}

		if diff := cmp.Diff([]string{"receipts/2026-03-02-2.json"}, done.Receipts); diff != "" {
			t.Errorf("receipts (-want +got):\n%s", diff)
		}

		intact(t, b)
	}

	t.Run("folder", func(t *testing.T) {
		_, dir := evidencetest.Folder(t)
		test(t, "file://"+dir, dir)
	})
	t.Run("s3", func(t *testing.T) {
		server := s3test.Start(t)
		test(t, server.URL, server.Dir)
	})
}

// A receipt explains what it names, for the records that were old enough, as long
// as its signature vouches for it; and nothing else.
func TestReceiptsExplainNothingElse(t *testing.T) {
	const receipt = "receipts/2026-03-02-1.json"

	young := evidencetest.JPEG("ada-1")

	cases := map[string]struct {
		change func(t *testing.T, b *bucket.Bucket, log *evidence.Log)
		want   []verify.Code
	}{
		"another picture is missing": {
			func(t *testing.T, b *bucket.Bucket, _ *evidence.Log) {
				remove(t, b, format.BlobKey(format.Hash(evidencetest.JPEG("ada-9"))))
			},
			[]verify.Code{verify.BlobMissing},
		},
		"the receipt is missing": {
			func(t *testing.T, b *bucket.Bucket, _ *evidence.Log) {
				remove(t, b, receipt, receipt+format.SignatureSuffix)
			},
			[]verify.Code{verify.BlobMissing, verify.BlobMissing},
		},
		"its signature is missing": {
			func(t *testing.T, b *bucket.Bucket, _ *evidence.Log) { remove(t, b, receipt+format.SignatureSuffix) },
			[]verify.Code{verify.BlobMissing, verify.BlobMissing, verify.SignatureGone},
		},
		"only its signature is left": {
			func(t *testing.T, b *bucket.Bucket, _ *evidence.Log) { remove(t, b, receipt) },
			[]verify.Code{verify.BlobMissing, verify.BlobMissing, verify.SignedGone},
		},
		"a later record's picture": {
			func(t *testing.T, b *bucket.Bucket, log *evidence.Log) {
				evidencetest.Append(t.Context(), t, log, evidencetest.Entry("ada", 30, young))
				remove(t, b, format.BlobKey(format.Hash(young)))
			},
			[]verify.Code{verify.BlobMissing},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b, _ := evidencetest.Folder(t)
			log := evidencetest.Log(t, b)
			evidencetest.Fill(t, log)

			if _, err := log.Expire(t.Context(), minute(3)); err != nil {
				t.Fatal(err)
			}

			tc.change(t, b, log)

			report, err := verify.Verify(t.Context(), b, evidencetest.Public(), evidencetest.Exam)
			if err != nil {
				t.Fatal(err)
			}

			var codes []verify.Code
			for _, problem := range report.Problems {
				codes = append(codes, problem.Code)
			}

			slices.Sort(codes)

			if diff := cmp.Diff(tc.want, codes); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, report.Problems)
			}
		})
	}
}

func remove(t *testing.T, b *bucket.Bucket, keys ...string) {
	t.Helper()

	for _, key := range keys {
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}
