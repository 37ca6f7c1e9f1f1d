package verify_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// Everything that can be done to a sealed exam, what the library says about it,
// and that the script sees it too. ada has checkpoints at 4, 8 and 10.
func TestTampering(t *testing.T) {
	const sig = format.SignatureSuffix

	checkpoint := format.CheckpointKey("ada", 4)

	cases := map[string]struct {
		tamper func(e *exam)
		want   []string
	}{
		"a byte of the first record": {
			func(e *exam) { e.replace(ada(1), "medium", "mediun") },
			every(verify.RecordAltered, ada(1)),
		},
		"a byte of a record in the middle": {
			func(e *exam) { e.replace(ada(5), `"by":"ines"`, `"by":"inez"`) },
			every(verify.RecordAltered, ada(5)),
		},
		"a byte of a record with a checkpoint": {
			func(e *exam) { e.replace(ada(8), `"by":"ines"`, `"by":"inez"`) },
			every(verify.RecordAltered, ada(8)),
		},
		"a byte of the last record": {
			func(e *exam) { e.replace(ada(10), "FocusLost", "FocusLosT") },
			every(verify.RecordAltered, ada(10)),
		},
		"a bracket of a record": {
			func(e *exam) { e.flip(ada(6), -1) },
			every(verify.RecordAltered, ada(6)),
		},
		"a byte of the reference to the record before": {
			func(e *exam) { e.replace(ada(7), `"prev":"`+format.Hash(e.read(ada(6)))[:1], `"prev":"0`) },
			every(verify.RecordAltered, ada(7)),
		},
		"a byte added": {
			func(e *exam) { e.write(ada(3), append(e.read(ada(3)), '\n')) },
			every(verify.RecordAltered, ada(3)),
		},
		"two records in different places": {
			func(e *exam) {
				e.replace(ada(2), "ines", "inez")
				e.replace(ada(9), "Live", "Dead")
			},
			every(verify.RecordAltered, ada(2), ada(9)),
		},
		"a record and the one before it": {
			func(e *exam) {
				e.replace(ada(6), "Live", "Dead")
				e.replace(ada(7), `"prev":"`, `"Prev":"`)
			},
			append(every(verify.RecordUnproven, ada(6)), every(verify.RecordAltered, ada(7))...),
		},
		"a record missing": {
			func(e *exam) { e.remove(ada(6)) },
			every(verify.RecordMissing, ada(6)),
		},
		"the first record missing": {
			func(e *exam) { e.remove(ada(1)) },
			every(verify.RecordMissing, ada(1)),
		},
		"a record missing and the rest moved up": {
			func(e *exam) {
				for seq := int64(6); seq < 10; seq++ {
					e.write(ada(seq), e.read(ada(seq+1)))
				}
				e.remove(ada(10))
			},
			append(every(verify.RecordMissing, ada(6)), every(verify.RecordMoved, ada(7), ada(8), ada(9), ada(10))...),
		},
		"two neighbours swapped": {
			func(e *exam) { e.swap(ada(5), ada(6)) },
			every(verify.RecordMoved, ada(5), ada(6)),
		},
		"two records far apart swapped": {
			func(e *exam) { e.swap(ada(2), ada(9)) },
			every(verify.RecordMoved, ada(2), ada(9)),
		},
		"two students' records swapped": {
			func(e *exam) { e.swap(ada(2), bob(2)) },
			every(verify.RecordMissing, ada(2), bob(2)),
		},
		"the tail cut off": {
			func(e *exam) { e.remove(ada(9), ada(10)) },
			every(verify.TailTruncated, ada(9)),
		},
		"a whole student gone": {
			func(e *exam) { e.remove(format.RecordKey("cyd", 1)) },
			every(verify.TailTruncated, format.RecordKey("cyd", 1)),
		},
		"a record after the seal": {
			func(e *exam) { e.write(ada(11), follower(e, "ada", 10)) },
			every(verify.RecordAfterSeal, ada(11)),
		},
		"a student after the seal": {
			func(e *exam) { e.write(format.RecordKey("dan", 1), follower(e, "dan", 0)) },
			every(verify.RecordAfterSeal, format.RecordKey("dan", 1)),
		},
		"a chain written anew, behind the first checkpoint": {
			func(e *exam) {
				for seq := int64(5); seq <= 10; seq++ {
					e.write(ada(seq), follower(e, "ada", seq-1))
				}
			},
			append(every(verify.Rewritten, ada(8)), every(verify.RecordAltered, ada(10))...),
		},
		"a byte of a picture": {
			func(e *exam) { e.flip(picture("ada-3"), 30) },
			every(verify.BlobAltered, picture("ada-3")),
		},
		"a picture cut off": {
			func(e *exam) { e.write(picture("ada-3"), e.read(picture("ada-3"))[:9]) },
			every(verify.BlobAltered, picture("ada-3")),
		},
		"a picture of two records": {
			func(e *exam) { e.flip(picture("bob"), 30) },
			every(verify.BlobAltered, picture("bob"), picture("bob")),
		},
		"a picture missing": {
			func(e *exam) { e.remove(picture("ada-7")) },
			every(verify.BlobMissing, picture("ada-7")),
		},
		"a checkpoint altered": {
			func(e *exam) { e.replace(checkpoint, `"seq":4`, `"seq":5`) },
			every(verify.SignatureBad, checkpoint),
		},
		"a checkpoint's signature altered": {
			func(e *exam) { e.flip(checkpoint+sig, 5) },
			every(verify.SignatureBad, checkpoint),
		},
		"a checkpoint's signature cut off": {
			func(e *exam) { e.write(checkpoint+sig, e.read(checkpoint + sig)[:63]) },
			every(verify.SignatureBad, checkpoint),
		},
		"a checkpoint signed by a stranger": {
			func(e *exam) {
				stranger := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize)))
				e.write(checkpoint+sig, ed25519.Sign(stranger, e.read(checkpoint)))
			},
			every(verify.SignatureBad, checkpoint),
		},
		"a checkpoint's signature missing": {
			func(e *exam) { e.remove(checkpoint + sig) },
			every(verify.SignatureGone, checkpoint),
		},
		"only a checkpoint's signature left": {
			func(e *exam) { e.remove(checkpoint) },
			every(verify.SignedGone, checkpoint),
		},
		"a checkpoint in another's place": {
			func(e *exam) {
				e.write(checkpoint, e.read(format.CheckpointKey("bob", 4)))
				e.write(checkpoint+sig, e.read(format.CheckpointKey("bob", 4)+sig))
			},
			every(verify.SignedMisplaced, checkpoint),
		},
		"the seal altered": {
			func(e *exam) { e.replace(format.SealKey, `"seq":10`, `"seq":11`) },
			every(verify.SignatureBad, format.SealKey),
		},
		"the seal's signature missing": {
			func(e *exam) { e.remove(format.SealKey + sig) },
			every(verify.SignatureGone, format.SealKey),
		},
		"the seal missing": {
			func(e *exam) { e.remove(format.SealKey) },
			every(verify.SignedGone, format.SealKey),
		},
	}

	original := newExam(t, true)

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := original.copy(t)
			tc.tamper(e)

			report := e.verify()
			if diff := cmp.Diff(tc.want, found(report)); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, report.Problems)
			}

			if report.OK() {
				t.Error("the report is OK")
			}

			ok, output := e.script()
			if ok {
				t.Errorf("the script sees nothing: %s", output)
			}

			// The script knows less of who is to blame, and names the place or the
			// record behind it.
			if student, _, _ := strings.Cut(report.Problems[0].Key, "/0"); !strings.Contains(output, student) {
				t.Errorf("the script does not name %s:\n%s", student, output)
			}
		})
	}
}
