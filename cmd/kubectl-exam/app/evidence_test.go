package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
)

const picture = "not really a JPEG"

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))

	return hex.EncodeToString(sum[:])
}

// keepRecord answers ada's record in two parts, and its picture as bytes.
func (h *hall) keepRecord(t *testing.T, bytes string) {
	t.Helper()

	at := now.UnixMilli()
	first := []wire.RecordEntry{
		{Seq: 1, At: at, Kind: "state", State: &wire.RecordState{From: "Joined", To: "Live"}},
		{Seq: 2, At: at, Kind: "violation", Violation: &wire.RecordViolation{
			Type: "FocusLost", Severity: "medium", Number: 1, LastedMs: 1500, Score: 5, Level: "clear",
		}, Pictures: []wire.RecordPicture{{SHA256: sumOf(picture), Source: "sfu"}, {SHA256: sumOf("old"), Expired: true}}},
	}
	second := []wire.RecordEntry{
		{Seq: 3, At: at, Kind: "observation", Observation: &wire.RecordObservation{Type: "StreamLost", Detail: "3 s"}},
		{Seq: 4, At: at, Kind: "check", Check: &wire.RecordCheck{Type: "random", Result: "taken"}},
		{Seq: 5, At: at, Kind: "action", Action: &wire.RecordAction{Kind: wire.ActionDismiss, By: "x", Reason: "The\x1b quiz."}},
	}

	h.mux.HandleFunc("GET /x/exams/algebra/api/v1/sessions/ada/record", func(w http.ResponseWriter, r *http.Request) {
		record := wire.SessionRecord{Session: wire.FeedSession{Session: wire.Session{Student: "ada"}}}
		if r.URL.Query().Get("after") == "0" {
			record.Entries, record.More = first, true
		} else {
			record.Entries, record.Waiting = second, true
		}

		answer(w, http.StatusOK, record)
	})

	asked := 0

	h.mux.HandleFunc("GET /x/exams/algebra/api/v1/pictures/{sum}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("sum") != sumOf(picture) {
			t.Errorf("asked for %s", r.PathValue("sum"))
		}

		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, wire.Error{Code: wire.CodeRateLimited})

			return
		}

		_, _ = w.Write([]byte(bytes))
	})
}

func TestEvidence(t *testing.T) {
	t.Parallel()

	hall := newHall(t)
	hall.keepRecord(t, picture)

	stdout, stderr, err := hall.run(t, "evidence", "algebra", "ada")
	if err != nil {
		t.Fatal(err)
	}

	compare(t, "stdout", lines(`
SEQ  TIME                 KIND         WHAT                             PICTURES
1    2026-03-02 10:00:00  state        Joined -> Live                   -
2    2026-03-02 10:00:00  violation    FocusLost 1, medium, 1.5s: sco…  2
3    2026-03-02 10:00:00  observation  StreamLost: 3 s                  -
4    2026-03-02 10:00:00  check        random: taken                    -
5    2026-03-02 10:00:00  action       dismiss; The� quiz.; by x        -
`), stdout)
	compare(t, "stderr", "More is still being written.\n", stderr)
}

func TestEvidenceIsDownloaded(t *testing.T) {
	t.Parallel()

	hall := newHall(t)
	hall.keepRecord(t, picture)

	folder := filepath.Join(t.TempDir(), "ada")

	for range 2 {
		_, stderr, err := hall.run(t, "evidence", "algebra", "ada", "--download", folder, "-o", "json")
		if err != nil {
			t.Fatal(err)
		}

		compare(t, "stderr", "5 records and 1 picture in "+folder+"; 1 expired.\n", stderr)
	}

	kept, err := os.ReadFile(filepath.Join(folder, sumOf(picture)+".jpg"))
	if err != nil || string(kept) != picture {
		t.Errorf("kept %q, %v", kept, err)
	}

	var record wire.SessionRecord

	data, err := os.ReadFile(filepath.Join(folder, "record.json"))
	if err == nil {
		err = json.Unmarshal(data, &record)
	}

	if err != nil || len(record.Entries) != 5 {
		t.Errorf("%d entries, %v", len(record.Entries), err)
	}
}

func TestEvidenceErrors(t *testing.T) {
	t.Parallel()

	hall := newHall(t)
	hall.keepRecord(t, "another picture")

	_, _, err := hall.run(t, "evidence", "algebra", "ada", "--download", t.TempDir())
	if err == nil || !strings.HasSuffix(err.Error(), "the exam's answer has another SHA-256") {
		t.Errorf("altered: %v", err)
	}

	_, _, err = hall.run(t, "evidence", "algebra", "eve")
	if err == nil || err.Error() != "the exam answers 404" {
		t.Errorf("nobody: %v", err)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()

	hall := newHall(t)
	hall.mux.HandleFunc("GET /x/exams/algebra/api/v1/feed", func(w http.ResponseWriter, r *http.Request) {
		feed, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.FeedSubprotocol}})
		if err != nil {
			t.Error(err)

			return
		}

		data, _ := json.Marshal(wire.FeedMessage{
			Type: "snapshot", At: now.UnixMilli(), Exam: &wire.ExamInfo{Title: "Algebra <I>"},
			Sessions: []wire.FeedSession{
				{Session: wire.Session{Student: "emmy", State: "Enrolled", Level: "clear"}, Name: "=Emmy"},
				{
					Session: wire.Session{
						Student: "kurt", State: "Live", Score: 34, Level: "suspicious",
						Violations: []wire.ViolationCount{{Type: "MultipleFaces", Count: 1}, {Type: "FocusLost", Count: 2}},
					},
					Name: "Kurt Gödel", Dismissed: []wire.ViolationCount{{Type: "FocusLost", Count: 1}},
					Coverage: &wire.Coverage{ObservedMs: 90_000, GapsMs: map[string]int64{"network": 9_000, "sfu": 1_000}},
				},
			},
		})
		_ = feed.Write(r.Context(), websocket.MessageText, data)
		feed.CloseRead(r.Context())
	})

	for _, format := range reportFormats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := hall.run(t, "report", "algebra", "-o", format)
			if err != nil {
				t.Fatal(err)
			}

			golden(t, "report."+format, stdout)
		})
	}
}
