package public

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/invigil/invigil/internal/wire"
)

// reports are what is sent, and what only looks like it.
var reports = []string{ //nolint:gochecknoglobals // constant
	`{"type":"report","seq":1,"sentAt":1700000000000,"delta":{"publishing":true,"visible":false,"focused":true,` +
		`"cameraMuted":false,"luminance":112.5},"violations":[{"type":"FocusLost","at":1700000000000,"lastedMs":1500}]}`,
	`{}`, `{"delta":{}}`, `{"violations":[]}`, `{"violations":[{}]}`, `{"violations":[{},{}]}`,
	`{"seq":9,"type":"report"}`, `{"seq":1,"seq":2}`, `{"type":"other"}`, `{"type":""}`,
	`{"delta":{"luminance":0}}`, `{"delta":{"luminance":255.0000001}}`, `{"delta":{"luminance":1e2}}`,
	`{"delta":{"luminance":-1}}`, `{"delta":{"luminance":1.}}`, `{"delta":{"luminance":.5}}`, `{"delta":{"luminance":01}}`,
	`{"delta":{"visible":null}}`, `{"delta":{"visible":tru}}`, `{"delta":{"visible":true},"delta":{"focused":true}}`,
	`{"violations":[{"type":"A","at":1}],"violations":[{"at":2}]}`, `{"violations":null}`, `{"delta":null}`,
	`{"seq":-1}`, `{"seq":01}`, `{"seq":1.0}`, `{"seq":9223372036854775807}`, `{"seq":9223372036854775808}`, `{"seq":"1"}`,
	`{"SEQ":3}`, `{"s\u0065q":3}`, `{"type":"\u0041"}`, `{"type":"ä"}`, "{\"type\":\"\xff\"}", "{\"type\":\"a\nb\"}",
	`{"unknown":{"deep":[1]},"seq":4}`, ` { "seq" : 5 } `, `{"seq":5}x`, `{"seq":5},`, `{"seq":5`, `{"seq"}`, `{"seq":}`,
	`{,}`, `{"seq":1,}`, `{"violations":[{},]}`, `{"violations":[,]}`, `{"violations":[{"type":"A"}`, `[]`, `null`, `"`, ``, `{`,
}

func FuzzReadReport(f *testing.F) {
	for _, report := range reports {
		f.Add([]byte(report))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		var want wire.ClientMessage

		wrong := json.Unmarshal(data, &want)
		got, err := readReport(data)

		if (err == nil) != (wrong == nil) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; json says %+v, %v", data, got, err, want, wrong)
		}
	})
}

func TestAcknowledgement(t *testing.T) {
	for _, seq := range []int64{1, 10, 1 << 40, math.MaxInt64} {
		want, err := json.Marshal(wire.ServerMessage{Type: "ack", Seq: seq})
		if err != nil {
			t.Fatal(err)
		}

		if got := acknowledgement(seq); string(got) != string(want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func BenchmarkReadReport(b *testing.B) {
	for b.Loop() {
		if _, err := readReport([]byte(reports[0])); err != nil {
			b.Fatal(err)
		}
	}
}
