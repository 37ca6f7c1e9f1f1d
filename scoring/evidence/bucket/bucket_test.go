package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/internal/s3test"
)

// both runs a test against a folder and a real S3 server.
func both(t *testing.T, test func(t *testing.T, url, dir string)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		test(t, "file://"+dir, dir)
	})
	t.Run("s3", func(t *testing.T) {
		server := s3test.Start(t)
		test(t, server.URL, server.Dir)
	})
}

func TestObjects(t *testing.T) {
	both(t, func(t *testing.T, url, dir string) {
		ctx := t.Context()
		b := evidencetest.Open(t, url)

		if err := b.Probe(ctx); err != nil {
			t.Fatal(err)
		}

		if _, err := b.Get(ctx, "records/a@b.org/1", 10); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("read of nothing: %v", err)
		}

		if err := b.Create(ctx, "records/a@b.org/1", []byte("first")); err != nil {
			t.Fatal(err)
		}

		if err := b.Create(ctx, "records/a@b.org/1", []byte("other")); !errors.Is(err, bucket.ErrExists) {
			t.Errorf("created twice: %v", err)
		}

		if got, err := b.Get(ctx, "records/a@b.org/1", 5); err != nil || string(got) != "first" {
			t.Errorf("read %q, %v", got, err)
		}

		if _, err := b.Get(ctx, "records/a@b.org/1", 4); !errors.Is(err, bucket.ErrTooLarge) {
			t.Errorf("read beyond the limit: %v", err)
		}

		const sum = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" // printf first | sha256sum
		if hash, size, err := b.Hash(ctx, "records/a@b.org/1"); err != nil || hash != sum || size != 5 {
			t.Errorf("hash %s of %d bytes, %v", hash, size, err)
		}

		var listed []string

		err := b.List(ctx, "", func(object bucket.Object) error {
			listed = append(listed, fmt.Sprint(object.Key, " ", object.Size, " ", time.Since(object.Modified) < time.Hour))

			return nil
		})
		if got := strings.Join(listed, ", "); err != nil || !strings.Contains(got, "records/a@b.org/1 5 true") {
			t.Errorf("listed %s, %v", got, err)
		}

		for range 2 { // Deleting what is gone is no error.
			if err := b.Delete(ctx, "records/a@b.org/1"); err != nil {
				t.Fatal(err)
			}
		}

		if there, err := b.Exists(ctx, "records/a@b.org/1"); err != nil || there {
			t.Errorf("deleted, and there: %v, %v", there, err)
		}

		if _, err := os.Stat(filepath.Join(dir, "records", "a@b.org", "1")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is not gone: %v", err)
		}
	})
}

// Two clients per bucket, as two processes have, and many rounds.
func TestOneOfManyCreates(t *testing.T) {
	both(t, func(t *testing.T, url, _ string) {
		clients := []*bucket.Bucket{evidencetest.Open(t, url), evidencetest.Open(t, url)}

		for round := range 25 {
			var (
				group   sync.WaitGroup
				created atomic.Int32
				winner  atomic.Value
			)

			key := fmt.Sprintf("round/%d", round)

			for writer := range 6 {
				group.Go(func() {
					data := fmt.Sprintf("writer %d", writer)

					switch err := clients[writer%2].Create(t.Context(), key, []byte(data)); {
					case err == nil:
						created.Add(1)
						winner.Store(data)
					case !errors.Is(err, bucket.ErrExists):
						t.Error(err)
					}
				})
			}

			group.Wait()

			got, err := clients[0].Get(t.Context(), key, 100)
			if err != nil || created.Load() != 1 || string(got) != winner.Load() {
				t.Fatalf("round %d: %d creators, %q is there, %v", round, created.Load(), got, err)
			}
		}
	})
}

// A server that takes If-None-Match and overwrites all the same.
func TestProbeFindsAServerThatIgnoresConditions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()

	t.Setenv("AWS_ACCESS_KEY_ID", "any")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")

	b := evidencetest.Open(t, "s3://any?region=us-east-1&use_path_style=true&endpoint="+server.URL)
	if err := b.Probe(t.Context()); !errors.Is(err, bucket.ErrUnsafe) {
		t.Errorf("probe says %v", err)
	}
}

func TestFolderRefuses(t *testing.T) {
	for _, url := range []string{"file:///does/not/exist", "file:///tmp?prefix=a", "file://host/tmp", "nothing://x", "://"} {
		if b, err := bucket.Open(t.Context(), url); err == nil {
			b.Close()
			t.Errorf("%s was opened", url)
		}
	}

	b, dir := evidencetest.Folder(t)
	for _, key := range []string{"../x", "/x", ".tmp/x", "a//b", ""} {
		if err := b.Create(t.Context(), key, nil); err == nil {
			t.Errorf("%q was created", key)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if err := b.Create(ctx, "a", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}

	// A volume that is gone must not come back as an empty folder.
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}

	if err := b.Create(t.Context(), "records/a/1", nil); err == nil {
		t.Error("created in a folder that is gone")
	}

	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}

	if err := b.Create(t.Context(), "records/a/1", nil); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

func TestAbandonedFilesGo(t *testing.T) {
	b, dir := evidencetest.Folder(t)
	if err := b.Create(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}

	old, fresh := filepath.Join(dir, ".tmp", "old"), filepath.Join(dir, ".tmp", "fresh")
	for _, name := range []string{old, fresh} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}

	evidencetest.Open(t, "file://"+dir)

	left, err := os.ReadDir(filepath.Join(dir, ".tmp"))
	if err != nil || len(left) != 1 || left[0].Name() != "fresh" {
		t.Errorf("left %v, %v", left, err)
	}
}
