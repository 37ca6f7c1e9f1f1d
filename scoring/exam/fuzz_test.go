package exam_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/invigil/invigil/internal/wire"
)

// FuzzReport: whatever a page reports, it is refused with a known code and changes
// nothing, or it is counted once, by the policy's types, within the score's bounds.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"type":"report","seq":1,"violations":[{"type":"FocusLost","at":1,"lastedMs":2000}]}`,
		`{"type":"report","seq":1,"violations":[{"type":"FocusLost","lastedMs":-1},{"type":"MultipleFaces","lastedMs":999}]}`,
		`{"type":"report","seq":9223372036854775807,"sentAt":-9223372036854775808,"delta":{"visible":false,"luminance":-1e308}}`,
		`{"type":"report","seq":1,"violations":[{"type":"Nonsense","lastedMs":5000}]}`,
		`{"type":"report","seq":1,"violations":[{"type":"StreamLost","lastedMs":5000}]}`,
		`{"type":"report","seq":1,"violations":[` +
			strings.Repeat(`{"type":"MultipleFaces","lastedMs":9223372036854775807},`, 63) +
			`{"type":"FocusLost","lastedMs":1000}]}`,
		`{"type":"report","seq":1,"violations":[` + strings.Repeat(`{},`, 64) + `{}]}`,
		`{"type":"report","seq":1,"violations":[{"type":"` + strings.Repeat("F", 9000) + `"}]}`,
		`{"type":"report","seq":1,"delta":{"cameraMuted":true,"publishing":null}}`, `{}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		var message wire.ClientMessage
		if json.Unmarshal(data, &message) != nil || message.Seq < 1 {
			return // The socket's own business.
		}

		r := enter(t, nil)
		p, _ := r.sit("s1")
		before := r.state("s1")

		if err := r.Report(t.Context(), p.Caller, p, message); err != nil {
			if got := code(err); got != wire.CodeBadRequest && got != wire.CodeUnknownViolation {
				t.Fatalf("refused with %q: %v", got, err)
			}

			if after := r.state("s1"); !reflect.DeepEqual(after, before) || p.sent != 1 {
				t.Fatalf("refused, and from %+v to %+v", before, after)
			}

			return
		}

		after := r.state("s1")
		if after.Score < 0 || after.Score > 100 || p.last.Type != "ack" || p.last.Seq != message.Seq {
			t.Fatalf("state %+v, told %+v", after, p.last)
		}

		told := map[string]bool{}
		for _, violation := range message.Violations {
			told[violation.Type] = told[violation.Type] || violation.LastedMs >= 1000
		}

		for _, counted := range after.Violations {
			// Once: within its time to live a type counts no second time.
			if !told[counted.Type] || counted.Count != 1 ||
				!slices.Contains([]string{"FocusLost", "MultipleFaces"}, counted.Type) {
				t.Fatalf("counted %+v of %s", counted, data)
			}
		}

		// The same once more is acknowledged and nothing else.
		if err := r.Report(t.Context(), p.Caller, p, message); err != nil || p.last.Seq != message.Seq {
			t.Fatalf("again: %v, told %+v", err, p.last)
		}

		if again := r.state("s1"); again.Score != after.Score || !reflect.DeepEqual(again.Violations, after.Violations) {
			t.Fatalf("again: from %+v to %+v", after, again)
		}
	})
}

// FuzzAct: whatever an invigilator wants, it is refused with a known code and
// changes nothing, or it is taken once within its bounds.
func FuzzAct(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","kind":"message","text":"Hello"}`, `{"id":"a","kind":"warn","text":"\u0000\ud83d\ude00"}`,
		`{"id":"a","kind":"pause","text":"not its field","minutes":5}`, `{"id":"a","kind":"resume"}`,
		`{"id":"a","kind":"extend","minutes":600}`, `{"id":"a","kind":"extend","minutes":601}`,
		`{"id":"a","kind":"extend","minutes":-9223372036854775808}`,
		`{"id":"a","kind":"terminate","reason":"x","text":"y"}`, `{"id":"a","kind":"terminate","reason":" "}`,
		`{"id":"a","kind":"dismiss","violation":"FocusLost","number":1,"reason":"a train"}`,
		`{"id":"a","kind":"dismiss","violation":"FocusLost","reason":"the last"}`,
		`{"id":"a","kind":"dismiss","violation":"FocusLost","number":9223372036854775807,"reason":"x"}`,
		`{"id":"` + strings.Repeat("a", 65) + `","kind":"pause"}`, `{"id":"a b","kind":"pause"}`, `{"id":"","kind":""}`,
		`{"id":"a","kind":"warn","text":"` + strings.Repeat("ä", 501) + `"}`,
	} {
		f.Add("s1", []byte(seed))
	}

	f.Add("s2", []byte(`{"id":"a","kind":"terminate","reason":"x","text":"y"}`)) // Enrolled, and never joined.
	f.Add("nobody", []byte(`{"id":"a","kind":"pause"}`))

	f.Fuzz(func(t *testing.T, student string, data []byte) {
		var action wire.Action
		if !utf8.Valid(data) || json.Unmarshal(data, &action) != nil {
			return // The door's own business.
		}

		r := enter(t, nil)
		p, _ := r.sit("s1")

		if err := p.report("FocusLost"); err != nil {
			t.Fatal(err)
		}

		states := func() map[string]wire.FeedSession {
			return map[string]wire.FeedSession{"s1": r.state("s1"), "s2": r.state("s2")}
		}
		before, facts := states(), len(r.facts)

		taken, err := r.Act(t.Context(), student, "vera", action)
		if err != nil {
			switch got := code(err); got {
			case wire.CodeBadRequest, wire.CodeConflict, wire.CodeNotEnrolled:
			default:
				t.Fatalf("refused with %q: %v", got, err)
			}

			if after := states(); !reflect.DeepEqual(after, before) || len(r.facts) != facts {
				t.Fatalf("refused, and from %+v to %+v", before, after)
			}

			return
		}

		if _, enrolled := before[student]; !enrolled || taken.ID != action.ID || taken.Kind != action.Kind ||
			taken.By != "vera" || len(taken.ID) > 64 ||
			utf8.RuneCountInString(taken.Text) > 500 || utf8.RuneCountInString(taken.Reason) > 500 ||
			taken.Minutes < 0 || taken.Minutes > 600 || taken.Number < 0 {
			t.Fatalf("taken %+v", taken)
		}

		after := states()
		for id, state := range after {
			if id != student && !reflect.DeepEqual(state, before[id]) {
				t.Fatalf("done to %s, and %s went from %+v to %+v", student, id, before[id], state)
			}

			if state.Score > before[id].Score || state.Score < 0 {
				t.Fatalf("the score went from %d to %d", before[id].Score, state.Score)
			}
		}

		again, err := r.Act(t.Context(), student, "somebody else", action)
		if err != nil || !reflect.DeepEqual(again, taken) {
			t.Fatalf("again %+v, %v; first %+v", again, err, taken)
		}

		if twice := states(); !reflect.DeepEqual(twice, after) {
			t.Fatalf("again: from %+v to %+v", after, twice)
		}
	})
}
