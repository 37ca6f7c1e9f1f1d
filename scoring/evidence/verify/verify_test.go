package verify_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// exam is a folder of evidence that a test tampers with.
type exam struct {
	t   *testing.T
	dir string
}

func newExam(t *testing.T, seal bool) *exam {
	t.Helper()

	b, dir := evidencetest.Folder(t)
	log := evidencetest.Log(t, b)
	evidencetest.Fill(t, log)

	if seal {
		if _, err := log.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	return &exam{t: t, dir: dir}
}

// copy is the same exam, to be tampered with.
func (e *exam) copy(t *testing.T) *exam {
	t.Helper()

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(e.dir)); err != nil {
		t.Fatal(err)
	}

	return &exam{t: t, dir: dir}
}

func (e *exam) path(key string) string { return filepath.Join(e.dir, filepath.FromSlash(key)) }

func (e *exam) read(key string) []byte {
	e.t.Helper()

	raw, err := os.ReadFile(e.path(key))
	if err != nil {
		e.t.Fatal(err)
	}

	return raw
}

func (e *exam) write(key string, raw []byte) {
	e.t.Helper()

	if err := errors.Join(os.MkdirAll(filepath.Dir(e.path(key)), 0o750), os.WriteFile(e.path(key), raw, 0o600)); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exam) remove(keys ...string) {
	e.t.Helper()

	for _, key := range keys {
		if err := os.Remove(e.path(key)); err != nil {
			e.t.Fatal(err)
		}
	}
}

// flip changes one bit at a position; a negative one counts from the end.
func (e *exam) flip(key string, at int) {
	e.t.Helper()

	raw := e.read(key)
	if at < 0 {
		at += len(raw)
	}

	raw[at] ^= 1
	e.write(key, raw)
}

func (e *exam) replace(key, old, with string) {
	e.t.Helper()

	raw := e.read(key)
	if !bytes.Contains(raw, []byte(old)) {
		e.t.Fatalf("%s has no %q", key, old)
	}

	e.write(key, bytes.Replace(raw, []byte(old), []byte(with), 1))
}

func (e *exam) swap(a, b string) {
	e.t.Helper()

	first, second := e.read(a), e.read(b)
	e.write(a, second)
	e.write(b, first)
}

func (e *exam) verify() *verify.Report {
	e.t.Helper()

	b := evidencetest.Open(e.t, "file://"+e.dir)

	report, err := verify.Verify(e.t.Context(), b, evidencetest.Public(), "")
	if err != nil {
		e.t.Fatal(err)
	}

	return report
}

// script runs the auditors' script and says whether it found nothing.
func (e *exam) script() (ok bool, output string) {
	e.t.Helper()

	der, err := x509.MarshalPKIXPublicKey(evidencetest.Public())
	if err != nil {
		e.t.Fatal(err)
	}

	key := filepath.Join(e.t.TempDir(), "evidence.pub")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		e.t.Fatal(err)
	}

	out, err := exec.CommandContext(e.t.Context(), "sh", "testdata/verify.sh", e.dir, key).CombinedOutput()

	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		e.t.Fatalf("the script: %v\n%s", err, out)
	}

	return err == nil, string(out)
}

func found(report *verify.Report) []string {
	var problems []string
	for _, problem := range report.Problems {
		problems = append(problems, string(problem.Code)+" "+problem.Key)
	}

	return problems
}

func TestIntact(t *testing.T) {
	for name, sealed := range map[string]bool{"running": false, "sealed": true} {
		t.Run(name, func(t *testing.T) {
			e := newExam(t, sealed)
			proven := map[bool][3]int64{false: {8, 4, 0}, true: {10, 6, 1}}[sealed]
			want := &verify.Report{
				Exam: evidencetest.Exam, Sealed: sealed, Blobs: 12,
				Students: []verify.Student{{"ada", 10, proven[0]}, {"bob", 6, proven[1]}, {"cyd", 1, proven[2]}},
			}

			if diff := cmp.Diff(want, e.verify()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}

			if ok, output := e.script(); !ok {
				t.Errorf("the script finds:\n%s", output)
			}
		})
	}
}

func TestAnotherKeyProvesNothing(t *testing.T) {
	e := newExam(t, true)
	b := evidencetest.Open(t, "file://"+e.dir)
	other := bytes.Repeat([]byte{7}, 32)

	report, err := verify.Verify(t.Context(), b, other, evidencetest.Exam)
	if err != nil {
		t.Fatal(err)
	}

	for _, student := range report.Students {
		if student.Proven != 0 {
			t.Errorf("proven by a stranger's key: %+v", student)
		}
	}

	if report.OK() || report.Sealed {
		t.Errorf("report %+v", report)
	}

	if _, err := verify.Verify(t.Context(), b, other[:31], ""); err == nil {
		t.Error("half a key was taken")
	}

	if report, err = verify.Verify(t.Context(), b, evidencetest.Public(), "demo/other"); err != nil || report.OK() {
		t.Errorf("as another exam's: %v, %v", found(report), err)
	}
}

func ada(seq int64) string { return format.RecordKey("ada", seq) }

func bob(seq int64) string { return format.RecordKey("bob", seq) }

func picture(text string) string { return format.BlobKey(format.Hash(evidencetest.JPEG(text))) }

// every is one problem's line for each key.
func every(code verify.Code, keys ...string) []string {
	var lines []string
	for _, key := range keys {
		lines = append(lines, string(code)+" "+key)
	}

	return lines
}
