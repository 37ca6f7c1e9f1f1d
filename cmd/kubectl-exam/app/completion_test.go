package app

import (
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	t.Parallel()

	objects := append(classroom(), makeExam("biology").title("Biology").obj(), makeExam("latin").namespace("languages").obj())

	tests := map[string]struct {
		args []string
		want string
	}{
		"exams": {
			args: []string{"status", ""},
			want: "algebra\tLinear algebra, final exam\nbiology\tBiology\n:4\n",
		},
		"prefix": {
			args: []string{"links", "b"},
			want: "biology\tBiology\n:4\n",
		},
		"one exam only": {
			args: []string{"status", "algebra", ""},
			want: ":4\n",
		},
		"namespace": {
			args: []string{"open", "-n", "languages", ""},
			want: "latin\tLinear algebra, final exam\n:4\n",
		},
		"students": {
			args: []string{"open", "algebra", "--student", "e"},
			want: "emmy\tEmmy Noether\nevariste.galois@example.org\tÉvariste Galois\n:4\n",
		},
		"no exam": {
			args: []string{"links", "--student", ""},
			want: ":4\n",
		},
		"pages": {
			args: []string{"open", "algebra", "--wa"},
			want: "--wall\tOpen the invigilators' wall.\n:4\n",
		},
		"orders": {
			args: []string{"sessions", "algebra", "--sort-by", ""},
			want: "score\nname\nstate\nseen\n:4\n",
		},
		"levels": {
			args: []string{"sessions", "algebra", "--level", ""},
			want: "clear\nwatch\nsuspicious\ncritical\n:4\n",
		},
		"exam to act in": {
			args: []string{"pause", "b"},
			want: "biology\tBiology\n:4\n",
		},
		"student to act on": {
			args: []string{"terminate", "algebra", "k"},
			want: "kurt\tKurt Gödel\n:4\n",
		},
		"violations": {
			args: []string{"dismiss", "algebra", "ada", "--violation", ""},
			want: strings.ReplaceAll(allViolations, ", ", "\n") + "\n:4\n",
		},
		"student on record": {
			args: []string{"evidence", "algebra", "k"},
			want: "kurt\tKurt Gödel\n:4\n",
		},
		"report": {
			args: []string{"report", "algebra", "-o", ""},
			want: "csv\njson\nhtml\n:4\n",
		},
		"doctor": {
			args: []string{"doctor", "b"},
			want: "biology\tBiology\n:4\n",
		},
		"watch": {
			args: []string{"watch", "b"},
			want: "biology\tBiology\n:4\n",
		},
		"contexts": {
			args: []string{"status", "--context", ""},
			want: "laboratory\nschool\n:4\n",
		},
		"formats": {
			args: []string{"links", "algebra", "-o", ""},
			want: "csv\ntable\njson\n:4\n",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := newPlugin(objects...).run(t, append([]string{"__complete"}, test.args...)...)
			if err != nil {
				t.Fatal(err)
			}

			compare(t, "completions", test.want, stdout)
		})
	}
}
