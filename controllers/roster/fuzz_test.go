package roster_test

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/controllers/roster"
)

// FuzzParse: a roster is either refused in words that fit into a status, or what
// it says holds to the schema and says the same when written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"id,name\nada,Ada Lovelace\nbob,\n",
		"\ufeffID, Name\r\n\"ada\",\"Lovelace, Ada\"\r\n\r\n b@x.org , Bob \r\n",
		"id,name,extraTime,disabled\nada,Ada,15m,GazeDeviation Speaking\n",
		"extraTime,id\n1h0.5s,ada\n-1s,bob\n",
		"id,name\na b,\n", "id,name\nada,\"x\n", "id\n\xff\n", "id,id\n", "",
		`[{"id":"ada","name":"Ada"},{"id":"7"}]`,
		`[{"id":"ada","extraTime":"15m","policyOverrides":[{"type":"Speaking","disabled":true}]}]`,
		`[{"id":"ada","policyOverrides":[{"type":"FocusLost","weight":100,"mustLast":"2s"}]}]`,
		`[{"id":"ada","extraTime":"9999999999999h"}]`, `[{"id":"ada","extraTime":null,"policyOverrides":null}]`,
		`[{"id":"ada"}] x`, `[{"ID":"ada","id":"bob"}]`, `[null]`, `{}`, `[[[[`,
	} {
		f.Add(true, []byte(seed))
		f.Add(false, []byte(seed))
	}

	f.Fuzz(func(t *testing.T, isJSON bool, data []byte) {
		key := "roster.csv"
		if isJSON {
			key = "roster.json"
		}

		students, err := roster.Parse(key, data)
		if err != nil {
			if text := err.Error(); students != nil || text == "" || len(text) > 520 || !utf8.ValidString(text) {
				t.Fatalf("%d students and %q", len(students), text)
			}

			return
		}

		if len(students) == 0 || len(students) > roster.Max {
			t.Fatalf("%d students", len(students))
		}

		seen := map[string]bool{}

		for _, student := range students {
			if student.ID == "" || len(student.ID) > 128 || seen[student.ID] || student.Name == "" ||
				!utf8.ValidString(student.Name) || utf8.RuneCountInString(student.Name) > 200 {
				t.Fatalf("student %+v", student)
			}

			if extra := student.ExtraTime; extra != nil && (extra.Duration < 0 || extra.Duration > 24*time.Hour) {
				t.Fatalf("%s more", extra.Duration)
			}

			seen[student.ID] = true
		}

		written, err := json.Marshal(students)
		if err != nil {
			t.Fatal(err)
		}

		again, err := roster.Parse("roster.json", written)
		if err != nil {
			t.Fatalf("written as %s: %v", written, err)
		}

		if diff := cmp.Diff(students, again); diff != "" {
			t.Fatalf("written and read (-before +after):\n%s", diff)
		}
	})
}
