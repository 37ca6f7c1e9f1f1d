package roster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/roster"
)

func TestParse(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		key, data string
		want      []examv1alpha1.Student
	}{
		"csv": {
			"roster.csv", "id,name\nada,Ada Lovelace\nbob,\n",
			[]examv1alpha1.Student{{ID: "ada", Name: "Ada Lovelace"}, {ID: "bob", Name: "bob"}},
		},
		"csv of a spreadsheet": {
			"students", "\ufeffID, Name\r\n\"ada\",\"Lovelace, Ada\"\r\n\r\n b@x.org , Bob \r\n",
			[]examv1alpha1.Student{{ID: "ada", Name: "Lovelace, Ada"}, {ID: "b@x.org", Name: "Bob"}},
		},
		"csv with extra time": {
			"roster.csv", "ID,ExtraTime,Name\nada,,Ada\nbob,1h30m,Bob\n",
			[]examv1alpha1.Student{
				{ID: "ada", Name: "Ada"},
				{ID: "bob", Name: "Bob", ExtraTime: &metav1.Duration{Duration: 90 * time.Minute}},
			},
		},
		"csv with disabled types": {
			"roster.csv", "id,name,extraTime,disabled\nada,Ada,15m, GazeDeviation  HeadTurned \nbob,,,\n",
			[]examv1alpha1.Student{
				{
					ID: "ada", Name: "Ada", ExtraTime: &metav1.Duration{Duration: 15 * time.Minute},
					PolicyOverrides: []examv1alpha1.PolicyOverride{
						{Type: examv1alpha1.GazeDeviation, Disabled: new(true)},
						{Type: examv1alpha1.HeadTurned, Disabled: new(true)},
					},
				},
				{ID: "bob", Name: "bob"},
			},
		},
		"csv of ids": {"roster.csv", "id\nada\n", []examv1alpha1.Student{{ID: "ada", Name: "ada"}}},
		"json with accommodations": {
			"roster.json", `[{"id":"ada","extraTime":"15m","policyOverrides":[
				{"type":"Speaking","disabled":true},{"type":"FocusLost","weight":0,"mustLast":"2s"}]}]`,
			[]examv1alpha1.Student{{
				ID: "ada", Name: "ada", ExtraTime: &metav1.Duration{Duration: 15 * time.Minute},
				PolicyOverrides: []examv1alpha1.PolicyOverride{
					{Type: examv1alpha1.Speaking, Disabled: new(true)},
					{
						Type: examv1alpha1.FocusLost, Weight: new(int32(0)),
						MustLast: &metav1.Duration{Duration: 2 * time.Second},
					},
				},
			}},
		},
		"json": {
			"roster.JSON", `[{"id":"ada","name":"Ada"},{"id":"7"}]`,
			[]examv1alpha1.Student{{ID: "ada", Name: "Ada"}, {ID: "7", Name: "7"}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := roster.Parse(tc.key, []byte(tc.data))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("students (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()

	lines := func(n int) string {
		var b strings.Builder

		for i := range n {
			fmt.Fprintf(&b, "s%d,\n", i)
		}

		return b.String()
	}

	const (
		csv  = "roster.csv"
		json = "roster.json"
	)

	const badID = `line 2: id "a b" may hold letters, digits and . _ @ - only, beginning with a letter or digit`

	longID, longName := strings.Repeat("a", 129), strings.Repeat("ä", 201)

	cases := map[string]struct{ key, data, want string }{
		"nothing":            {csv, "", "the roster is empty"},
		"header only":        {csv, "id,name\n", "the roster is empty"},
		"no header":          {csv, "ada,Ada\n", `line 1: the header is "ada,Ada", want "id,name"`},
		"too many fields":    {csv, "id,name\nada,Ada\nbob,Bob,x\n", "line 3: 3 fields, want 2 (id,name)"},
		"too few fields":     {csv, "id,name\nada\n", "line 2: 1 fields, want 2 (id,name)"},
		"quote":              {csv, "id,name\nada,\"Ada\n", `line 2: extraneous or missing " in quoted-field`},
		"empty id":           {csv, "id,name\n,Ada\n", "line 2: the id is empty"},
		"bad id":             {csv, "id,name\na b,Ada\n", badID},
		"long id":            {csv, "id,name\n" + longID + ",\n", "line 2: the id has 129 characters, at most 128 are allowed"},
		"duplicate":          {csv, "id,name\nada,Ada\n\nbob,\nada,\n", `line 5: id "ada" stands on line 2 already`},
		"long name":          {csv, "id,name\nada," + longName + "\n", "line 2: the name has more than 200 characters"},
		"name not UTF-8":     {csv, "id,name\nada,\xff\n", "line 2: the name is not UTF-8"},
		"too many":           {csv, "id,name\n" + lines(5001), "line 5002: more than 5000 students"},
		"json nothing":       {json, "", "the roster is empty"},
		"json empty array":   {json, "[]", "the roster is empty"},
		"json object":        {json, "{}", `the roster is no JSON array of {"id","name"}`},
		"json duplicate":     {json, `[{"id":"ada"},{"id":"ada"}]`, `entry 2: id "ada" stands on entry 1 already`},
		"json unknown field": {json, `[{"id":"ada"},{"id":"b","mail":"x"}]`, `entry 2: unknown field "mail"`},
		"json wrong type": {json, `[{"id":7}]`,
			"entry 1: cannot unmarshal number into Go struct field Student.id of type string"},
		"csv unknown column": {csv, "id,mail\nada,x\n",
			`line 1: the header is "id,mail", want columns of id,name,extraTime,disabled`},
		"csv column twice": {csv, "id,name,ID\n", "line 1: the column id is there twice"},
		"csv no unit":      {csv, "id,extraTime\nada,15\n", `line 2: extraTime "15" is no duration such as 15m`},
		"csv negative":     {csv, "id,extraTime\nada,-15m\n", "line 2: extraTime is -15m0s, it may be 0 to 24h"},
		"csv much":         {csv, "id,extraTime\nada,25h\n", "line 2: extraTime is 25h0m0s, it may be 0 to 24h"},
		"csv unknown type": {csv, "id,disabled\nada,Gaze\n", `line 2: there is no violation type "Gaze"`},
		"csv type twice":   {csv, "id,disabled\nada,Speaking Speaking\n", "line 2: Speaking is overridden twice"},
		"csv long header":  {csv, strings.Repeat("x", 9000) + "\n", `line 1: the header is "` + strings.Repeat("x", 489) + "..."},
		"json extra time negative": {json, `[{"id":"ada","extraTime":"-1s"}]`,
			"entry 1: extraTime is -1s, it may be 0 to 24h"},
		"json weight": {json, `[{"id":"ada","policyOverrides":[{"type":"Speaking","weight":101}]}]`,
			"entry 1: Speaking: weight is 101, it may be 0 to 100"},
		"json must last": {json, `[{"id":"ada","policyOverrides":[{"type":"Speaking","mustLast":"11m"}]}]`,
			"entry 1: Speaking: mustLast is 11m0s, it may be 0 to 10m"},
		"json override without type": {json, `[{"id":"ada","policyOverrides":[{"disabled":true}]}]`,
			`entry 1: there is no violation type ""`},
		"json many overrides": {json, `[{"id":"ada","policyOverrides":[{},{},{},{},{},{},{},{},{}]}]`,
			"entry 1: 9 policy overrides, at most 8 are allowed"},
		"json not closed":     {json, `[{"id":"ada"}`, "after entry 1: the array is not closed"},
		"json something more": {json, `[{"id":"ada"}] x`, "after entry 1: something follows the array"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			students, err := roster.Parse(tc.key, []byte(tc.data))
			if err == nil {
				t.Fatalf("got %d students and no error, want %q", len(students), tc.want)
			}

			if err.Error() != tc.want {
				t.Errorf("error\n got: %s\nwant: %s", err, tc.want)
			}
		})
	}
}

func TestLargestRoster(t *testing.T) {
	t.Parallel()

	var b strings.Builder

	b.WriteString("id,name\n")

	for i := range roster.Max {
		fmt.Fprintf(&b, "s%d,Student %d\n", i, i)
	}

	students, err := roster.Parse("roster.csv", []byte(b.String()))
	if err != nil || len(students) != roster.Max {
		t.Fatalf("got %d students, error %v", len(students), err)
	}
}
