package evidence_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

// BenchmarkAppend is the cost of one acknowledged append to a folder. It is the
// disk's: every object is synced, and so is its folder. TMPDIR says which disk.
func BenchmarkAppend(b *testing.B) {
	for name, size := range map[string]int{"record": 0, "record and picture of 50 KiB": 50 << 10} {
		b.Run(name, func(b *testing.B) {
			folder, _ := evidencetest.Folder(b)
			log := evidencetest.Log(b, folder)
			picture := bytes.Repeat([]byte{0xFF}, size)

			for n := 0; b.Loop(); n++ {
				entry := evidencetest.Entry("ada", n)

				if size > 0 { // A new picture every time.
					binary.LittleEndian.PutUint64(picture, uint64(n))
					entry = evidencetest.Entry("ada", n, picture)
				}

				evidencetest.Append(b.Context(), b, log, entry)
			}
		})
	}
}
