package scoring_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// recorded is a bench that keeps evidence in a folder. change is made before it
// starts.
func recorded(t *testing.T, change func(*bench)) *bench {
	t.Helper()

	b := prepare(t, 1)
	b.redis.Restart()
	b.evidence = "file://" + t.TempDir()
	b.config.Evidence = &wire.EvidenceConfig{}
	b.pods[0].frames(photo(t, 1), 0)
	_, b.signing, _ = ed25519.GenerateKey(nil)

	if change != nil {
		change(b)
	}

	b.start()

	return b
}

// photo is a picture, another one for each shade.
func photo(t *testing.T, shade uint8) []byte {
	t.Helper()

	img := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(i) / 2
	}

	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = shade*16, color.Gray{Y: 128}.Y
	}

	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}

	return out.Bytes()
}

// open opens the bucket as an auditor does.
func (b *bench) open() *bucket.Bucket {
	b.t.Helper()

	opened, err := bucket.Open(context.Background(), b.evidence)
	if err != nil {
		b.t.Fatal(err)
	}

	return opened
}

// records are what the bucket has of a student, by id; "" if there are two of one.
func (b *bench) records(student string) map[string]format.Record {
	b.t.Helper()

	opened := b.open()
	defer opened.Close()

	records := map[string]format.Record{}

	err := opened.List(context.Background(), format.Records+student+"/", func(object bucket.Object) error {
		raw, err := opened.Get(context.Background(), object.Key, 1<<20)
		if err != nil {
			return err
		}

		var record format.Record
		if err := json.Unmarshal(raw, &record); err != nil {
			return err
		}

		if _, twice := records[record.ID]; twice {
			b.t.Errorf("%s is on record twice", record.ID)
		}

		records[record.ID] = record

		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}

	return records
}

// onRecord waits for a record.
func (b *bench) onRecord(student, id string) format.Record {
	b.t.Helper()

	var record format.Record

	b.until(id+" on record", func() bool {
		found, ok := b.records(student)[id]
		record = found

		return ok
	})

	return record
}

// kinds are the ids of a student's records without those of states and observations,
// which depend on the clock.
func (b *bench) kinds(student string) []string {
	b.t.Helper()

	var ids []string

	for id := range b.records(student) {
		if !strings.HasPrefix(id, "s-") && !strings.HasPrefix(id, "o-") {
			ids = append(ids, id)
		}
	}

	slices.Sort(ids)

	return ids
}

// written waits until nothing waits for the bucket.
func (b *bench) written() {
	b.t.Helper()
	b.until("all written", func() bool {
		status := b.sessions("").Evidence

		return status != nil && status.Backlog == 0 && b.sum("backlog") == 0
	})
}

// verified wants the bucket to be flawless.
func (b *bench) verified() *verify.Report {
	b.t.Helper()

	opened := b.open()
	defer opened.Close()

	public, _ := b.signing.Public().(ed25519.PublicKey)

	report, err := verify.Verify(context.Background(), opened, public, examName)
	if err != nil {
		b.t.Fatal(err)
	}

	for _, problem := range report.Problems {
		b.t.Error(problem)
	}

	return report
}

// folder is the bucket's.
func (b *bench) folder() string { return strings.TrimPrefix(b.evidence, "file://") }

// program is cmd/scoring, built once.
var program = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once
	dir, err := os.MkdirTemp("", "scoring")
	if err != nil {
		return "", err
	}

	path := filepath.Join(dir, "scoring")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "../cmd/scoring").CombinedOutput()
	if err != nil {
		return string(out), err
	}

	return path, nil
})

// spawn runs the real program in place of start, and returns what kills it.
func (b *bench) spawn() (kill func()) {
	b.t.Helper()
	b.write("exam.json", b.config)

	path, err := program()
	if err != nil {
		b.t.Fatalf("%v: %s", err, path)
	}

	b.key("link.pub", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(b.link.Public())))
	b.key("session.key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(b.session)))
	b.key("evidence.key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(b.signing)))

	public, internal := b.listen(), b.listen()
	public.Close()
	internal.Close()

	b.public, b.internal = "http://"+public.Addr().String(), "http://"+internal.Addr().String()
	at := func(name string) string { return filepath.Join(b.dir, name) }

	process := exec.CommandContext(context.Background(), path, "--config", at("exam.json"), "--shards-file", at("shards.json"),
		"--link-key", at("link.pub"), "--session-key", at("session.key"), "--evidence", b.evidence,
		"--evidence-key", at("evidence.key"), "--redis-addr", b.redis.Addr, "--redis-password-file", b.redis.PasswordFile,
		"--public-addr", public.Addr().String(), "--internal-addr", internal.Addr().String(), "--log-level", "warn")
	process.Stderr = os.Stderr

	if err := process.Start(); err != nil {
		b.t.Fatal(err)
	}

	kill = sync.OnceFunc(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	b.t.Cleanup(kill)
	b.until("ready", func() bool {
		ready, err := b.get("/readyz")

		return err == nil && ready.StatusCode == http.StatusOK
	})
	b.until("pods known", func() bool {
		shards := b.sessions("").Shards

		return len(shards) == len(b.pods) && shards[0].Ready
	})

	return kill
}

func (b *bench) key(name, kind string, der []byte) {
	b.t.Helper()

	err := os.WriteFile(filepath.Join(b.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
}

func must(der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}

	return der
}

// sum is the value of a metric of evidence, over all its labels.
func (b *bench) sum(name string) (sum float64) {
	b.t.Helper()

	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() == "invigil_scoring_evidence_"+name {
			for _, metric := range family.GetMetric() {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}

	return sum
}
