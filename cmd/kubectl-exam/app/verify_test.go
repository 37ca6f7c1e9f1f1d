package app

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// evidenceKey is the same in every run.
var evidenceKey = ed25519.NewKeyFromSeed([]byte("this is a seed for tests only 32"))

func publicPEM(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()

	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// record is a folder with the evidence of exams/algebra: two records and one
// picture of ada, one record of kurt.
type record struct {
	t      *testing.T
	folder string
	sealed []format.Sealed
}

func makeRecord(t *testing.T) *record {
	t.Helper()

	r := &record{t: t, folder: t.TempDir()}
	picture := "a picture"
	blob := format.Hash([]byte(picture))
	r.write(format.BlobKey(blob), []byte(picture))
	r.append("ada", format.Blob{SHA256: blob, Size: int64(len(picture)), Source: format.SourceClient, CapturedAt: 1})
	r.append("ada")
	r.append("kurt")

	return r
}

func (r *record) write(key string, data []byte) {
	r.t.Helper()

	path := filepath.Join(r.folder, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}

	if err := os.WriteFile(path, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *record) replace(key, was, now string) {
	r.t.Helper()

	data, err := os.ReadFile(filepath.Join(r.folder, filepath.FromSlash(key)))
	if err != nil {
		r.t.Fatal(err)
	}

	r.write(key, []byte(strings.Replace(string(data), was, now, 1)))
}

func (r *record) append(student string, blobs ...format.Blob) {
	r.t.Helper()

	last := format.Sealed{Student: student}
	if n := len(r.sealed); n > 0 && r.sealed[n-1].Student == student {
		last = r.sealed[n-1]
		r.sealed = r.sealed[:n-1]
	}

	one := format.Record{
		Version: format.Version, Exam: "exams/algebra", Student: student, Seq: last.Seq + 1, Prev: last.Head,
		ID: "r-" + student, At: now.UnixMilli(), Kind: format.KindState, Blobs: blobs,
	}
	one.State = &format.State{From: "Joined", To: "Live"}
	raw := encode(r.t, one)
	r.write(format.RecordKey(student, last.Seq+1), raw)
	r.sealed = append(r.sealed, format.Sealed{Student: student, Seq: last.Seq + 1, Head: format.Hash(raw)})
}

func encode[T format.Record | format.Seal](t *testing.T, value T) []byte {
	t.Helper()

	raw, err := format.Encode(value)
	if err != nil {
		t.Fatal(err)
	}

	return raw
}

// seal seals the record and returns its head.
func (r *record) seal() string {
	r.t.Helper()

	raw := encode(r.t, format.Seal{Version: format.Version, Exam: "exams/algebra", At: now.UnixMilli(), Students: r.sealed})
	r.write(format.SealKey, raw)
	r.write(format.SealKey+format.SignatureSuffix, ed25519.Sign(evidenceKey, raw))

	return format.Hash(raw)
}

// recorded is the exam that a record is of.
func recorded(t *testing.T, head string) *examv1alpha1.Exam {
	t.Helper()

	exam := makeExam("algebra").obj()
	exam.Status.Evidence = &examv1alpha1.EvidenceStatus{
		PublicKey: publicPEM(t, evidenceKey), Head: head,
		ClaimName: "algebra-evidence", Folder: "7f9c3c1e-0000-4000-8000-000000000001",
	}

	return exam
}

const anotherHead = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestVerify(t *testing.T) {
	t.Parallel()

	const head = "7263e404ebaf140208c01a626e48b6e1c10382eb9aa6e6d84abadc1aecb4070d"

	tests := map[string]struct {
		change func(*record)
		// unsealed records have no seal; head is what the Exam's status says, "" for
		// nothing, and by default the seal's own.
		unsealed bool
		head     string
		args     []string
		want     string
		wantErr  string
		wantCode int
	}{
		"proven": {
			want: `
Exam:        exams/algebra
Verdict:     proven
Seal:        ` + head + `
Records:     3, 3 of them proven
Pictures:    1 kept, 0 expired

STUDENT  RECORDS  PROVEN
ada      2        2
kurt     1        1
`,
		},
		"a record was changed": {
			change: func(r *record) { r.replace(format.RecordKey("kurt", 1), "Live", "Lies") },
			want: `
Exam:        exams/algebra
Verdict:     not proven, 1 finding
Seal:        ` + head + `
Records:     3, 2 of them proven
Pictures:    1 kept, 0 expired

Findings:
  - RecordAltered records/kurt/00000001.json: its hash is
    909fce8dc733dd749ed87247d1d201dc9ab85509c1e532f6e55bee9b9214339d

STUDENT  RECORDS  PROVEN
ada      2        2
kurt     1        0
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
		"another seal": {
			head: anotherHead,
			want: `
Exam:        exams/algebra
Verdict:     not proven, 1 finding
Seal:        ` + head + `
Records:     3, 3 of them proven
Pictures:    1 kept, 0 expired

Findings:
  - OtherSeal sealed.json: its SHA-256 is not the expected
    ` + anotherHead + `

STUDENT  RECORDS  PROVEN
ada      2        2
kurt     1        1
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
		"the seal was taken away": {
			unsealed: true, head: anotherHead, args: []string{"--allow-unsealed"},
			want: `
Exam:        exams/algebra
Verdict:     not proven, 1 finding
Seal:        none
Records:     3, 0 of them proven
Pictures:    1 kept, 0 expired

Findings:
  - OtherSeal sealed.json: it is not there, and the exam was sealed as
    ` + anotherHead + `

STUDENT  RECORDS  PROVEN
ada      2        0
kurt     1        0
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
		"not sealed": {
			unsealed: true,
			want: `
Exam:        exams/algebra
Verdict:     not proven, 1 finding
Seal:        none
Records:     3, 0 of them proven
Pictures:    1 kept, 0 expired

Findings:
  - NotSealed sealed.json: the end of the record is not proven; --allow-unsealed
    takes it as it is while the exam runs

STUDENT  RECORDS  PROVEN
ada      2        0
kurt     1        0
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
		"not sealed, and that is known": {
			unsealed: true, args: []string{"--allow-unsealed"},
			want: `
Exam:        exams/algebra
Verdict:     nothing is wrong; not sealed, so the end is not proven
Seal:        none
Records:     3, 0 of them proven
Pictures:    1 kept, 0 expired

STUDENT  RECORDS  PROVEN
ada      2        0
kurt     1        0
`,
		},
		"nothing there": {
			change: func(r *record) { r.folder = r.t.TempDir() }, unsealed: true, args: []string{"--allow-unsealed"},
			want: `
Exam:        exams/algebra
Verdict:     not proven, 1 finding
Seal:        none
Records:     0, 0 of them proven
Pictures:    0 kept, 0 expired

Findings:
  - NoRecords: there is neither a record nor a seal: is this the exam's own
    folder?
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
		"as JSON": {
			change: func(r *record) { r.write("notes.txt", nil); r.write("records/ada/notes.txt", nil) },
			args:   []string{"-o", "json"},
			want: `
{
  "exam": "exams/algebra",
  "proven": false,
  "sealed": true,
  "head": "` + head + `",
  "students": [
    {
      "id": "ada",
      "records": 2,
      "proven": 2
    },
    {
      "id": "kurt",
      "records": 1,
      "proven": 1
    }
  ],
  "pictures": {
    "kept": 1,
    "expired": 0,
    "undeleted": 0,
    "unreferenced": 0
  },
  "findings": [
    {
      "code": "UnexpectedObject",
      "key": "records/ada/notes.txt",
      "detail": "no record has such a key"
    }
  ]
}
`,
			wantErr: "the evidence of exams/algebra is not proven: 1 finding", wantCode: 1,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := makeRecord(t)
			known := test.head

			if !test.unsealed {
				if sealed := r.seal(); known == "" {
					known = sealed
				}
			}

			if test.change != nil {
				test.change(r)
			}

			args := append([]string{"verify", "algebra", "--folder", r.folder}, test.args...)
			stdout, stderr, err := newPlugin(recorded(t, known)).run(t, args...)

			compare(t, "stdout", lines(test.want), stdout)
			compare(t, "stderr", "", stderr)

			message, code := "", 0
			if err != nil {
				message, code = err.Error(), exitCode(err)
			}

			if message != test.wantErr || code != test.wantCode {
				t.Errorf("error %q, exit code %d; want %q, %d", message, code, test.wantErr, test.wantCode)
			}
		})
	}
}

// An auditor has a copy and the key, and no cluster.
func TestVerifyWithoutACluster(t *testing.T) {
	t.Parallel()

	r := makeRecord(t)
	head := r.seal()
	key := filepath.Join(t.TempDir(), "evidence.pub")

	if err := os.WriteFile(key, []byte(publicPEM(t, evidenceKey)), 0o600); err != nil {
		t.Fatal(err)
	}

	args := []string{"verify", "algebra", "--folder", r.folder, "--public-key", key, "--head", head}

	stdout, _, err := failing(errRefused).run(t, args...)
	if err != nil || !strings.Contains(stdout, "Verdict:     proven\n") {
		t.Errorf("%v: %s", err, stdout)
	}
}

func TestVerifyCannot(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	file := filepath.Join(folder, "file")

	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct {
		objects []client.Object
		args    []string
		want    string
	}{
		"no exam named":    {args: []string{}, want: "accepts 1 arg(s), received 0"},
		"a strange flag":   {args: []string{"algebra", "--folders", "x"}, want: "unknown flag: --folders"},
		"a strange format": {args: []string{"algebra", "-o", "xml"}, want: `output format "xml" is none of table, json`},
		"two places": {
			args: []string{"algebra", "--folder", folder, "--bucket", "s3://x"},
			want: "--folder and --bucket are two places: name one",
		},
		"no such exam": {args: []string{"algebra"}, want: `exam "algebra" not found in namespace "exams"`},
		"no evidence": {
			objects: []client.Object{makeExam("algebra").obj()}, args: []string{"algebra", "--folder", folder},
			want: `exam "algebra" has no evidence, or none yet; kubectl exam status algebra -n exams says more`,
		},
		"no such folder": {
			objects: []client.Object{recorded(t, "")}, args: []string{"algebra", "--folder", "/no/such/folder"},
			want: "--folder: stat /no/such/folder: no such file or directory",
		},
		"a file for a folder": {
			objects: []client.Object{recorded(t, "")}, args: []string{"algebra", "--folder", file},
			want: "--folder " + file + " is no folder",
		},
		"a folder for a bucket": {
			objects: []client.Object{recorded(t, "")}, args: []string{"algebra", "--bucket", folder},
			want: `--bucket "` + folder + `": want s3://...; for a folder use --folder`,
		},
		"no key": {
			args: []string{"algebra", "--folder", folder, "--public-key", file},
			want: "--public-key " + file + ": public key is not PEM",
		},
		"on a volume": {
			objects: []client.Object{recorded(t, "")}, args: []string{"algebra"},
			want: "the evidence is in the volume claim algebra-evidence of namespace exams, in the folder " +
				"7f9c3c1e-0000-4000-8000-000000000001: copy that folder to this machine and name it with --folder; " +
				`"Getting at a volume" in docs/evidence.md has the commands`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := newPlugin(test.objects...).run(t, append([]string{"verify"}, test.args...)...)
			if err == nil || exitCode(err) != 2 {
				t.Fatalf("%v, printed %q; want exit code 2", err, stdout)
			}

			compare(t, "error", test.want, err.Error())
			compare(t, "stdout", "", stdout)
		})
	}
}
