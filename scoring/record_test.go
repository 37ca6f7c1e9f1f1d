package scoring_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// reviewed is a bench that keeps evidence and has invigilators.
func reviewed(t *testing.T) (b *bench, token string) {
	t.Helper()

	c := newCluster(t)
	b = recorded(t, func(b *bench) { b.config.Invigilators = c.config(t) })
	b.until("the bucket", func() bool { return b.sessions("").Evidence.Failing == "" })

	return b, c.token(t, time.Hour, nil)
}

func (b *bench) record(token, student string, after int64) wire.SessionRecord {
	b.t.Helper()

	response, body := b.do("GET", recordPath(student)+"?after="+strconv.FormatInt(after, 10), token, "")

	var record wire.SessionRecord
	if err := json.Unmarshal([]byte(body), &record); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s", response.Status, body)
	}

	return record
}

func recordPath(student string) string { return base + "api/v1/sessions/" + student + "/record" }

func picturePath(sha256 string) string { return base + "api/v1/pictures/" + sha256 }

func TestRecord(t *testing.T) {
	b, token := reviewed(t)
	s, joined := b.sit("s1")

	s.report(1, "MultipleFaces")
	number := s.await("violation").Violation.Number
	b.onRecord("s1", "v-MultipleFaces-1/sfu")

	if response, body := b.upload(joined.Token, "MultipleFaces", number, photo(t, 9)); response.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", response.Status, body)
	}

	b.act(token, "s1", `{"id":"a1","kind":"extend","minutes":5}`)
	b.act(token, "s1", `{"id":"a2","kind":"dismiss","violation":"MultipleFaces","number":1,"reason":"a poster"}`)
	b.written()

	record := b.record(token, "s1", 0)
	if record.More || record.Waiting || record.Session.Name != "Ada" || record.Session.State != "Live" {
		t.Errorf("record %+v", record)
	}

	byID := map[string]wire.RecordEntry{}

	for i, entry := range record.Entries {
		if entry.Seq != int64(i)+1 || entry.At == 0 {
			t.Errorf("entry %d: %+v", i, entry)
		}

		byID[entry.ID] = entry
	}

	violation := byID["v-MultipleFaces-1"]
	if violation.Kind != "violation" || *violation.Violation != (wire.RecordViolation{
		Type: "MultipleFaces", Severity: "critical", Number: 1, LastedMs: violation.Violation.LastedMs,
		Score: 30, Level: "suspicious",
	}) {
		t.Errorf("violation %+v", violation)
	}

	for id, source := range map[string]string{"v-MultipleFaces-1/sfu": "sfu", "v-MultipleFaces-1/upload": "client"} {
		entry := byID[id]
		if entry.Kind != "check" || entry.Check.Result != "taken" || entry.Check.Of != "v-MultipleFaces-1" ||
			len(entry.Pictures) != 1 || entry.Pictures[0].Source != source || entry.Pictures[0].Expired {
			t.Errorf("%s: %+v", id, entry)

			continue
		}

		response, body := b.do("GET", picturePath(entry.Pictures[0].SHA256), token, "")
		if response.StatusCode != http.StatusOK || format.Hash([]byte(body)) != entry.Pictures[0].SHA256 ||
			response.Header.Get("Content-Type") != "image/jpeg" ||
			response.Header.Get("Cache-Control") != "private, max-age=86400, immutable" ||
			response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("picture: %s %v", response.Status, response.Header)
		}
	}

	if a := byID["a-a1"].Action; a == nil || *a != (wire.RecordAction{
		Kind: wire.ActionExtend, By: invigilators + "#c1", Minutes: 5,
	}) {
		t.Errorf("extension %+v", a)
	}

	if a := byID["a-a2"].Action; a == nil || a.Of != "v-MultipleFaces-1" || a.Reason != "a poster" {
		t.Errorf("dismissal %+v", a)
	}

	if !slices.ContainsFunc(record.Entries, func(e wire.RecordEntry) bool { return e.State != nil && e.State.To == "Live" }) {
		t.Errorf("no state in %+v", record.Entries)
	}

	// Only what is new, and nothing for somebody who has done nothing.
	last := record.Entries[len(record.Entries)-1]
	if rest := b.record(token, "s1", last.Seq-2).Entries; len(rest) != 2 || rest[1].ID != last.ID {
		t.Errorf("after %d: %+v", last.Seq-2, rest)
	}

	for _, after := range []int64{last.Seq, 1 << 62} {
		if rest := b.record(token, "s1", after); len(rest.Entries) != 0 || rest.More || rest.Entries == nil {
			t.Errorf("after %d: %+v", after, rest)
		}
	}

	if other := b.record(token, "s2", 0); len(other.Entries) != 0 || other.Session.Student != "s2" {
		t.Errorf("s2: %+v", other)
	}
}

func TestRecordRefusals(t *testing.T) {
	b, token := reviewed(t)

	tests := map[string]struct {
		path   string
		status int
		code   wire.ErrorCode
	}{
		"not a number":      {recordPath("s1") + "?after=x", http.StatusBadRequest, wire.CodeBadRequest},
		"negative":          {recordPath("s1") + "?after=-1", http.StatusBadRequest, wire.CodeBadRequest},
		"too large":         {recordPath("s1") + "?after=99999999999999999999", http.StatusBadRequest, wire.CodeBadRequest},
		"nobody":            {recordPath("s9"), http.StatusNotFound, wire.CodeNotEnrolled},
		"out of the folder": {recordPath("..%2f..%2fblobs"), http.StatusNotFound, wire.CodeNotFound},
		"no such picture":   {picturePath(strings.Repeat("a", 64)), http.StatusNotFound, wire.CodeNotFound},
		"no hash":           {picturePath("abc"), http.StatusNotFound, wire.CodeNotFound},
		"upper case":        {picturePath(strings.Repeat("A", 64)), http.StatusNotFound, wire.CodeNotFound},
		"out of the bucket": {picturePath("..%2frecords%2fs1%2f00000001"), http.StatusNotFound, wire.CodeNotFound},
	}

	for name, tc := range tests {
		response, body := b.do("GET", tc.path, token, "")
		if response.StatusCode != tc.status || code(body) != tc.code {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
}

// TestLongRecord has more than one answer's entries.
func TestLongRecord(t *testing.T) {
	b, token := reviewed(t)
	b.stop()

	prev := ""
	folder := filepath.Join(b.folder(), format.Records, "s2")

	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}

	const count = 1201

	for seq := int64(1); seq <= count; seq++ {
		raw, err := format.Encode(format.Record{
			Version: format.Version, Exam: examName, Student: "s2", Seq: seq, Prev: prev, ID: "r-" + strconv.FormatInt(seq, 10),
			At: 1, Kind: format.KindCheck, Facts: format.Facts{Check: &format.Check{Type: "random", Result: "NotReceived"}},
		})
		if err == nil {
			err = os.WriteFile(filepath.Join(b.folder(), format.RecordKey("s2", seq)), raw, 0o600)
		}

		if err != nil {
			t.Fatal(err)
		}

		prev = format.Hash(raw)
	}

	b.start()
	b.until("the bucket", func() bool { return b.sessions("").Evidence.Failing == "" })

	first := b.record(token, "s2", 0)
	if len(first.Entries) != 1000 || !first.More || first.Entries[999].Seq != 1000 {
		t.Fatalf("%d entries, more %t", len(first.Entries), first.More)
	}

	if rest := b.record(token, "s2", 1000); len(rest.Entries) != count-1000 || rest.More {
		t.Errorf("%d entries, more %t", len(rest.Entries), rest.More)
	}

	// What somebody took away is left out; verification tells of it.
	if err := os.Remove(filepath.Join(b.folder(), format.RecordKey("s2", 1100))); err != nil {
		t.Fatal(err)
	}

	if rest := b.record(token, "s2", 1000); len(rest.Entries) != count-1001 || rest.Entries[99].Seq != 1101 {
		t.Errorf("%d entries with one missing", len(rest.Entries))
	}
}

func TestNoRecords(t *testing.T) {
	kept := func(change func(*bench)) func(t *testing.T) {
		return func(t *testing.T) {
			c := newCluster(t)
			b := recorded(t, func(b *bench) {
				b.config.Invigilators = c.config(t)
				change(b)
			})
			token := c.token(t, time.Hour, nil)

			if record := b.record(token, "s1", 0); len(record.Entries) != 0 || record.Waiting || record.Session.Name != "Ada" {
				t.Errorf("record %+v", record)
			}

			response, body := b.do("GET", picturePath(strings.Repeat("a", 64)), token, "")
			if response.StatusCode != http.StatusNotFound || code(body) != wire.CodeNotFound {
				t.Errorf("picture: %s %s", response.Status, body)
			}

			_, body = b.do("GET", base+"api/v1/wall", token, "")
			if strings.Contains(body, `"evidence"`) {
				t.Errorf("the wall is told of evidence: %s", body)
			}
		}
	}

	t.Run("of this exam", kept(func(b *bench) { b.config.Evidence = nil }))
	t.Run("by this process", kept(func(b *bench) { b.evidence = "" }))
}

// TestBucketAway: what cannot be read is not taken for nothing.
func TestBucketAway(t *testing.T) {
	b, token := reviewed(t)
	s, _ := b.sit("s1")
	s.report(1, "MultipleFaces")
	b.onRecord("s1", "v-MultipleFaces-1/sfu")
	b.written()

	entries := b.record(token, "s1", 0).Entries
	picture := entries[len(entries)-1].Pictures[0].SHA256

	if err := os.Rename(b.folder(), b.folder()+".away"); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{recordPath("s1"), picturePath(picture)} {
		response, body := b.do("GET", path, token, "")
		if response.StatusCode != http.StatusServiceUnavailable || code(body) != wire.CodeNotReady ||
			response.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}

	if err := os.Rename(b.folder()+".away", b.folder()); err != nil {
		t.Fatal(err)
	}

	if record := b.record(token, "s1", 0); len(record.Entries) != len(entries) {
		t.Errorf("%d entries, were %d", len(record.Entries), len(entries))
	}

	if response, _ := b.do("GET", picturePath(picture), token, ""); response.StatusCode != http.StatusOK {
		t.Errorf("picture: %s", response.Status)
	}

	// A picture that was exchanged is not shown.
	blob := filepath.Join(b.folder(), format.BlobKey(picture))
	if err := os.WriteFile(blob, photo(t, 5), 0o600); err != nil {
		t.Fatal(err)
	}

	if response, body := b.do("GET", picturePath(picture), token, ""); response.StatusCode != http.StatusInternalServerError {
		t.Errorf("picture: %s %s", response.Status, body)
	}
}

// TestRecordSaysWhatWaits: the bucket was away when it happened.
func TestRecordSaysWhatWaits(t *testing.T) {
	b, token := reviewed(t)
	s, _ := b.sit("s1")
	b.written()

	before := b.record(token, "s1", 0)

	stand, away := filepath.Join(b.folder(), ".tmp"), filepath.Join(b.folder(), "tmp.away")
	if err := os.Rename(stand, away); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(stand, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	s.report(1, "FocusLost")
	s.await("ack")

	if record := b.record(token, "s1", 0); !record.Waiting || len(record.Entries) != len(before.Entries) {
		t.Errorf("waiting %t, %d entries of %d", record.Waiting, len(record.Entries), len(before.Entries))
	}

	if err := os.Remove(stand); err != nil {
		t.Fatal(err)
	}

	if err := os.Rename(away, stand); err != nil {
		t.Fatal(err)
	}

	b.until("all there", func() bool {
		record := b.record(token, "s1", 0)

		return !record.Waiting && len(record.Entries) == len(before.Entries)+1
	})
}

func TestExpiredPictures(t *testing.T) {
	c := newCluster(t)
	b := recorded(t, func(b *bench) {
		b.config.Invigilators = c.config(t)
		b.config.Evidence.RetentionMs = time.Minute.Milliseconds()
	})
	s, _ := b.sit("s1")
	s.report(1, "MultipleFaces")
	b.onRecord("s1", "v-MultipleFaces-1/sfu")

	b.pass(2 * time.Hour)
	b.until("expired", func() bool {
		b.pass(time.Minute)

		return b.sessions("").Evidence.ExpiredAt != 0
	})

	token := c.token(t, 24*time.Hour, nil)

	picture := wire.RecordPicture{}
	for _, entry := range b.record(token, "s1", 0).Entries {
		if len(entry.Pictures) > 0 {
			picture = entry.Pictures[0]
		}
	}

	if !picture.Expired {
		t.Errorf("picture %+v", picture)
	}

	if response, body := b.do("GET", picturePath(picture.SHA256), token, ""); response.StatusCode != http.StatusNotFound ||
		code(body) != wire.CodeNotFound {
		t.Errorf("%s %s", response.Status, body)
	}
}
