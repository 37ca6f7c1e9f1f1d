package public

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/socket"
)

// FuzzParse: a message is refused with a known code, or it is a report that says
// the same when written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"report","seq":1,"sentAt":2,"violations":[{"type":"FocusLost","at":1,"lastedMs":2000}]}`,
		`{"type":"report","seq":9223372036854775807,"delta":{"visible":false,"luminance":1e308}}`,
		`{"type":"report","seq":9223372036854775808}`, `{"type":"report","seq":0}`, `{"type":"report","seq":-1}`,
		`{"type":"report","seq":1.0}`, `{"type":"report","seq":1e3}`, `{"type":"report","seq":"1"}`,
		`{"type":"report","seq":1,"violations":null,"delta":null}`, `{"type":"report","SEQ":1,"seq":2}`,
		`{"type":"report","seq":1} {}`, `{"type":"report","seq":1,"violations":[{"type":"\ud800"}]}`,
		`{"type":"dance","seq":1}`, `{}`, `[]`, `null`, `"`, "", "\x00", "\xff", strings.Repeat("[", 16_000),
	} {
		f.Add(true, []byte(seed))
		f.Add(false, []byte(seed))
	}

	f.Fuzz(func(t *testing.T, text bool, data []byte) {
		message, code := parse(socket.Message{Text: text, Data: data})

		switch code {
		case "":
		case wire.CodeBadRequest, wire.CodeUnknownMessage:
			if code == wire.CodeUnknownMessage && message.Type == "report" {
				t.Fatalf("a report of an unknown type: %q", data)
			}

			return
		default:
			t.Fatalf("code %q", code)
		}

		if !text || message.Type != "report" || message.Seq < 1 {
			t.Fatalf("taken: %+v", message)
		}

		written, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}

		again, code := parse(socket.Message{Text: true, Data: written})
		// An empty list is written as none.
		if len(message.Violations) == 0 {
			message.Violations = nil
		}

		if code != "" || !reflect.DeepEqual(message, again) {
			t.Fatalf("%q: %+v, and written and read %+v", code, message, again)
		}
	})
}
