package scoring_test

import (
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// sit joins a student whose camera is received, and is connected.
func (b *bench) sit(student string) (*socket, wire.JoinResponse) {
	b.t.Helper()

	joined := b.join(student, "d")
	b.pods[0].receive(student, true)

	s := b.dial(joined.Token)
	s.await("welcome")
	b.until("live", func() bool { return b.state(student).State == "Live" })

	return s, joined
}

func TestViolationsAreRecordedWithKeyFrames(t *testing.T) {
	b := recorded(t, nil)
	frame := photo(t, 3)
	b.pods[0].frames(frame, 1) // One attempt fails.

	s, _ := b.sit("s1")
	s.report(1, "MultipleFaces", "FocusLost")

	told := s.await("violation").Violation
	if told.Type != "MultipleFaces" || told.Number != 1 {
		t.Errorf("told of %+v", told)
	}

	s.await("ack")

	record := b.onRecord("s1", "v-MultipleFaces-1")
	if record.At != told.At || record.Violation == nil || *record.Violation != (format.Violation{
		Type: "MultipleFaces", Severity: "critical", LastedMs: 5_000, Score: 35, Level: "suspicious", Policy: "v1",
	}) {
		t.Errorf("%+v %+v", record, record.Violation)
	}

	picture := b.onRecord("s1", "v-MultipleFaces-1/sfu")
	if *picture.Check != (format.Check{Type: "violation", Result: "taken", Of: "v-MultipleFaces-1"}) ||
		len(picture.Blobs) != 1 || picture.Blobs[0].Source != format.SourceSFU ||
		picture.Blobs[0].SHA256 != format.Hash(frame) || picture.Blobs[0].CapturedAt != 1700000000123 {
		t.Errorf("%+v %+v", picture.Check, picture.Blobs)
	}

	// One that is not grave has none; the second of its type has another number.
	b.pass(time.Minute)
	b.pods[0].frames(nil, 2) // Both attempts fail.
	s.report(2, "MultipleFaces", "FocusLost")
	s.await("ack")

	if none := b.onRecord("s1", "v-MultipleFaces-2/sfu"); none.Check.Result != "KeyFrameTimeout" || none.Blobs != nil {
		t.Errorf("%+v", none)
	}

	b.written()

	if got, want := b.kinds("s1"), []string{
		"v-FocusLost-1", "v-FocusLost-2", "v-MultipleFaces-1", "v-MultipleFaces-1/sfu",
		"v-MultipleFaces-2", "v-MultipleFaces-2/sfu",
	}; !slices.Equal(got, want) {
		t.Errorf("on record %q, want %q", got, want)
	}

	live := 0

	for _, record := range b.records("s1") {
		if record.State != nil && record.State.To == "Live" {
			live++
		}
	}

	if live != 1 {
		t.Errorf("Live is on record %d times", live)
	}

	b.verified()

	b.until("all told", func() bool {
		status := *b.sessions("").Evidence

		return status == wire.EvidenceStatus{Records: int64(len(b.records("s1"))), Pictures: 1}
	})
}

// An operator that waits is told, and not for every record.
func TestEvidenceStatusWakesTheOperator(t *testing.T) {
	b := recorded(t, nil)
	s, _ := b.sit("s1")
	b.written()

	first := b.sessions("")
	b.until("at rest", func() bool {
		next := b.sessions("")
		same := next.Cursor == first.Cursor && next.Evidence.Records == int64(len(b.records("s1")))
		first = next

		return same
	})

	s.report(1, "FocusLost")

	records, answers := first.Evidence.Records, 0
	for cursor := first.Cursor; records == first.Evidence.Records; answers++ {
		next := b.sessions("?wait=20&since=" + cursor)
		cursor, records = next.Cursor, next.Evidence.Records
	}

	if answers > 4 { // The session, the backlog, the record.
		t.Errorf("told after %d answers", answers)
	}
}

func TestActionsAreRecordedWhenAnswered(t *testing.T) {
	c := newCluster(t)
	b := recorded(t, func(b *bench) { b.config.Invigilators = c.config(t) })
	token := c.token(t, time.Hour, nil)
	s, _ := b.sit("s1")

	s.report(1, "FocusLost")
	s.await("ack")

	b.act(token, "s1", `{"id":"a1","kind":"warn","text":"Look at your screen."}`)
	b.act(token, "s1", `{"id":"a1","kind":"warn","text":"Look at your screen."}`)

	// At once, without waiting.
	if warned, ok := b.records("s1")["a-a1"]; !ok || *warned.Action != (format.Action{
		Type: "warn", By: invigilators + "#c1", Text: "Look at your screen.",
	}) {
		t.Errorf("on record %+v, %v", warned.Action, ok)
	}

	b.act(token, "s1", `{"id":"a2","kind":"dismiss","violation":"FocusLost","reason":"A cat."}`)

	dismissed := b.records("s1")["a-a2"].Action
	if dismissed == nil || dismissed.Of != "v-FocusLost-1" || dismissed.Reason != "A cat." {
		t.Errorf("on record %+v", dismissed)
	}

	b.act(token, "s1", `{"id":"a3","kind":"extend","minutes":5}`)

	if extended := b.records("s1")["a-a3"].Action; extended == nil || extended.ExtendMs != 300_000 {
		t.Errorf("on record %+v", extended)
	}

	// The bucket is away: the action is done and answered, and recorded later.
	away := b.folder() + ".away"
	if err := os.Rename(b.folder(), away); err != nil {
		t.Fatal(err)
	}

	b.act(token, "s1", `{"id":"a4","kind":"pause"}`)

	if got := b.state("s1").State; got != "Paused" {
		t.Errorf("the session is %s", got)
	}

	if err := os.Rename(away, b.folder()); err != nil {
		t.Fatal(err)
	}

	b.onRecord("s1", "a-a4")
	b.written()
	b.verified()
}

func TestRandomPictures(t *testing.T) {
	b := recorded(t, func(b *bench) {
		b.config.Evidence.PictureEveryMs = 60_000
		b.random = func() float64 { return 0 } // Always now.
	})
	b.sit("s1")
	b.join("s2", "d") // Not received: never asked.

	var checked format.Record

	b.until("checked", func() bool {
		for _, record := range b.records("s1") {
			if record.Check != nil {
				checked = record
			}
		}

		return checked.Check != nil
	})

	if *checked.Check != (format.Check{Type: "random", Result: "taken"}) || len(checked.Blobs) != 1 ||
		checked.Blobs[0].Source != format.SourceSFU || checked.ID[:2] != "r-" {
		t.Errorf("%+v %+v", checked, checked.Check)
	}

	for id := range b.records("s2") {
		if id[:2] == "r-" {
			t.Errorf("a picture of whom nobody receives: %s", id)
		}
	}

	b.verified()
}

func TestWithoutEvidence(t *testing.T) {
	tests := map[string]func(*bench){
		"no bucket":  func(b *bench) { b.evidence = "" },
		"not wanted": func(b *bench) { b.config.Evidence = nil },
	}

	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			b := recorded(t, change)
			s, joined := b.sit("s1")

			s.report(1, "MultipleFaces")
			s.await("ack")

			response, body := b.upload(joined.Token, "MultipleFaces", 1, photo(t, 1))
			if response.StatusCode != http.StatusNotFound || code(body) != wire.CodeNotFound {
				t.Errorf("upload: %s %s", response.Status, body)
			}

			if status := b.sessions("").Evidence; status != nil {
				t.Errorf("status %+v", status)
			}

			if b.evidence != "" {
				if records := b.records("s1"); len(records) != 0 {
					t.Errorf("on record: %v", records)
				}
			}
		})
	}
}
