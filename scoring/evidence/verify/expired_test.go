package verify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// Of an exam whose older pictures expired, library and script accept what the
// receipt says, and nothing else.
func TestExpired(t *testing.T) {
	const receipt = "receipts/2026-03-02-1.json"

	original := newExam(t, true)
	log := evidencetest.Log(t, evidencetest.Open(t, "file://"+original.dir))

	done, err := log.Expire(t.Context(), evidencetest.Start.Add(4*time.Minute)) // ada's 1 to 3
	if err != nil || done.Blobs != 3 {
		t.Fatalf("%+v, %v", done, err)
	}

	cases := map[string]struct {
		tamper func(e *exam)
		want   []string
	}{
		"as it is": {func(*exam) {}, nil},
		"another picture missing": {
			func(e *exam) { e.remove(picture("ada-4")) },
			every(verify.BlobMissing, picture("ada-4")),
		},
		"the receipt made to say more": {
			func(e *exam) {
				e.remove(picture("ada-4"))
				e.replace(receipt, format.Hash(evidencetest.JPEG("ada-1")), format.Hash(evidencetest.JPEG("ada-4")))
			},
			append(missing("ada-1", "ada-2", "ada-3", "ada-4"), every(verify.SignatureBad, receipt)...),
		},
		"a receipt under another name": {
			func(e *exam) {
				e.write("receipts/x.json", e.read(receipt))
				e.remove(receipt)
			},
			append(missing("ada-1", "ada-2", "ada-3"),
				"SignedObjectMissing "+receipt, "SignatureMissing receipts/x.json"),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := original.copy(t)
			tc.tamper(e)

			asSet := cmp.Transformer("set", func(list []string) map[string]bool {
				set := map[string]bool{}
				for _, line := range list {
					set[line] = true
				}

				return set
			})
			if diff := cmp.Diff(tc.want, found(e.verify()), asSet); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}

			if ok, output := e.script(); ok != (len(tc.want) == 0) {
				t.Errorf("the script finds: %s", output)
			}
		})
	}
}

func missing(texts ...string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, every(verify.BlobMissing, picture(text))...)
	}

	return lines
}
