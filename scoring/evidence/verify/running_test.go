package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// follower is a record that a forger without the key can make: it fits behind seq.
func follower(e *exam, student string, seq int64) []byte {
	e.t.Helper()

	record := format.Record{
		Version: format.Version, Exam: evidencetest.Exam, Student: student, Seq: seq + 1, ID: "forged",
		At: evidencetest.Start.UnixMilli(), Kind: format.KindState,
	}
	record.State = &format.State{From: "Live", To: "Interrupted"}

	if seq > 0 {
		record.Prev = format.Hash(e.read(format.RecordKey(student, seq)))
	}

	raw, err := format.Encode(record)
	if err != nil {
		e.t.Fatal(err)
	}

	return raw
}

// Before the seal only checkpoints vouch for records: ada's tail, 9 and 10, is not
// proven yet.
func TestTamperingBeforeTheSeal(t *testing.T) {
	cases := map[string]struct {
		tamper func(e *exam)
		want   []string
	}{
		"a record under a checkpoint": {
			func(e *exam) { e.replace(ada(7), "FocusLost", "FocusLosT") },
			every(verify.RecordAltered, ada(7)),
		},
		"a record with a checkpoint": {
			func(e *exam) { e.replace(ada(8), "ines", "inez") },
			every(verify.RecordAltered, ada(8)),
		},
		"a record of the tail": {
			func(e *exam) { e.replace(ada(9), "Live", "Dead") },
			every(verify.ChainBroken, ada(9)),
		},
		"the tail cut off before a checkpoint": {
			func(e *exam) { e.remove(ada(7), ada(8), ada(9), ada(10)) },
			every(verify.TailTruncated, ada(7)),
		},
		"a tail that does not follow the checkpoint": {
			func(e *exam) {
				e.replace(ada(9), `"prev":"`+format.Hash(e.read(ada(8)))[:1], `"prev":"g`)
				e.write(ada(10), follower(e, "ada", 9))
			},
			every(verify.ChainBroken, ada(9)),
		},
		"no record at all in a record's place": {
			func(e *exam) { e.write(ada(10), []byte("nothing")) },
			every(verify.RecordAltered, ada(10)),
		},
		"strange objects": {
			func(e *exam) {
				e.write("records/ada/notes.txt", nil)
				e.write("records/ada/00000000.json", nil)
				e.write("blobs/cat.jpg", nil)
				e.write("checkpoints/ada/readme", nil)
			},
			every(verify.Unexpected, "blobs/cat.jpg", "checkpoints/ada/readme", "records/ada/00000000.json",
				"records/ada/notes.txt"),
		},
	}

	original := newExam(t, false)

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := original.copy(t)
			tc.tamper(e)

			report := e.verify()
			if diff := cmp.Diff(tc.want, found(report)); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, report.Problems)
			}

			if ok, output := e.script(); ok {
				t.Errorf("the script sees nothing: %s", output)
			}
		})
	}
}
