package store

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/metrics"
)

const later = int64(1) << 50

func open(t *testing.T, path string) (*disk, []line) {
	t.Helper()

	d, lines, err := openDisk(path, 0, zap.NewNop(), metrics.New(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}

	return d, lines
}

func reportLine(seq int64) line {
	return line{Report: &Report{Student: "s1", SID: "a", Seq: seq}, ExpireAt: later}
}

// TestDiskTornTail cuts and spoils the file at every byte: what is read is what
// was whole before, and it can be added to.
func TestDiskTornTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")

	var (
		data []byte
		ends []int
	)

	for seq := range int64(4) {
		data = appendFrame(data, reportLine(seq))
		ends = append(ends, len(data))
	}

	whole := func(size int) (count int) {
		for _, end := range ends {
			if end <= size {
				count++
			}
		}

		return count
	}

	for size := range data {
		spoilt := append([]byte{}, data...)
		spoilt[size] ^= 0x10

		zeros := append(append([]byte{}, data[:size]...), make([]byte, 100)...)

		for name, content := range map[string][]byte{"cut": data[:size], "spoilt": spoilt, "zeros": zeros} {
			lines, length := readFrames(content)
			if len(lines) != whole(size) || (length != 0 && length != ends[len(lines)-1]) {
				t.Fatalf("%s at %d: %d lines, %d bytes", name, size, len(lines), length)
			}
		}
	}

	if err := os.WriteFile(path, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}

	d, lines := open(t, path)
	<-d.append(reportLine(9))

	if err := d.close(); err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}

	d, lines = open(t, path)
	if err := d.close(); err != nil || len(lines) != 4 || lines[3].Report.Seq != 9 {
		t.Errorf("afterwards %+v, %v", lines, err)
	}
}

func TestDiskIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	d, _ := open(t, path)

	if _, _, err := openDisk(path, 0, zap.NewNop(), d.metrics); err == nil {
		t.Error("two processes have one journal")
	}

	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestDiskStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	d, _ := open(t, path)
	d.compactAt = 10_000
	d.content = func() []line { return []line{reportLine(1)} }

	for seq := range int64(1_000) {
		stored := d.append(reportLine(seq))
		if seq%20 == 0 {
			<-stored
		}
	}

	if err := d.close(); err != nil {
		t.Error(err)
	}

	if info, err := os.Stat(path); err != nil || info.Size() > 2*d.compactAt {
		t.Errorf("%v, %v", info, err)
	}

	d, lines := open(t, path)
	if len(lines) == 0 || len(lines) > 300 {
		t.Errorf("%d lines", len(lines))
	}

	// Emptied, and then added to: in this order.
	d.append(reportLine(1))
	d.forget()
	<-d.append(reportLine(2))

	if err := d.close(); err != nil {
		t.Error(err)
	}

	d, lines = open(t, path)
	if len(lines) != 1 || lines[0].Report.Seq != 2 {
		t.Errorf("after forget %+v", lines)
	}

	if err := d.close(); err != nil {
		t.Error(err)
	}
}

// TestDiskFails: scoring goes on without it.
func TestDiskFails(t *testing.T) {
	d, _ := open(t, filepath.Join(t.TempDir(), "journal"))

	if err := d.file.Close(); err != nil {
		t.Fatal(err)
	}

	for seq := range int64(3) {
		<-d.append(reportLine(seq))
	}

	if err := d.close(); err == nil {
		t.Error("closed twice")
	}
}

func TestJournalCoalesces(t *testing.T) {
	j := newJournal()

	for seq := range int64(1_000) {
		student := "s" + strconv.FormatInt(seq%10, 10)
		j.append(entry{report: &Report{Student: student, SID: "a", Seq: seq}})
		j.append(entry{record: &Record{Student: student, Marks: map[string]int64{"m": seq}}})
	}

	// A report before the record and one after it, of each.
	if j.len() != 30 || j.entries[1].record.Marks["m"] != 990 {
		t.Errorf("%d entries", j.len())
	}

	taken := j.take()
	j.append(entry{report: &Report{Student: "s1", SID: "a", Seq: 2_000}})
	j.putBack(taken[25:])

	// Of the five left the last two are of s9; s1's is gone, and came again.
	if all := j.all(); len(all) != 6 || all[5].report.Seq != 2_000 || len(j.last) == 0 {
		t.Errorf("%+v", all)
	}
}
