package app

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	firstChunk  = "id,name,url\nada,Ada Lovelace,http://algebra.svc:8080/x/exams/algebra/#t.a\n"
	secondChunk = "id,name,url\nkurt,\"Gödel, Kurt\",http://algebra.svc:8080/x/exams/algebra/#t.k\n"
)

func TestLinks(t *testing.T) {
	t.Parallel()

	objects := []client.Object{
		makeExam("algebra").obj(),
		makeLinks("algebra", 0, firstChunk),
		makeLinks("algebra", 1, secondChunk),
		// Another exam's, whose name begins like ours.
		makeExam("algebra-links").obj(),
		makeLinks("algebra-links", 0, firstChunk),
	}

	tests := map[string]struct {
		args []string
		want string
	}{
		"csv": {
			args: []string{"links", "algebra"},
			want: `
id,name,url
ada,Ada Lovelace,http://algebra.svc:8080/x/exams/algebra/#t.a
kurt,"Gödel, Kurt",http://algebra.svc:8080/x/exams/algebra/#t.k
`,
		},
		"table": {
			args: []string{"links", "algebra", "-o", "table"},
			want: `
STUDENT  NAME          URL
ada      Ada Lovelace  http://algebra.svc:8080/x/exams/algebra/#t.a
kurt     Gödel, Kurt   http://algebra.svc:8080/x/exams/algebra/#t.k
`,
		},
		"json of one student": {
			args: []string{"links", "algebra", "-o", "json", "--student", "kurt"},
			want: `
[
  {
    "id": "kurt",
    "name": "Gödel, Kurt",
    "url": "http://algebra.svc:8080/x/exams/algebra/#t.k"
  }
]
`,
		},
		"another origin": {
			args: []string{"links", "algebra", "--base-url", "https://exams.example.org/", "--student", "ada"},
			want: `
id,name,url
ada,Ada Lovelace,https://exams.example.org/x/exams/algebra/#t.a
`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, stderr, err := newPlugin(objects...).run(t, test.args...)
			if err != nil {
				t.Fatal(err)
			}

			compare(t, "stdout", lines(test.want), stdout)
			compare(t, "stderr", "", stderr)
		})
	}
}

// Ten chunks and more are read in the order of their numbers, from 0 or 1 on.
func TestLinksAreInOrder(t *testing.T) {
	t.Parallel()

	for _, first := range []int{0, 1} {
		objects := []client.Object{makeExam("algebra").obj()}
		want := []string{"id,name,url"}

		for chunk := first; chunk < 12; chunk++ {
			line := fmt.Sprintf("s%02d,,http://h/x/exams/algebra/#%d", chunk, chunk)
			want = append(want, line)
			objects = append(objects, makeLinks("algebra", chunk, "id,name,url\n"+line+"\n"))
		}

		stdout, _, err := newPlugin(objects...).run(t, "links", "algebra")
		if err != nil {
			t.Fatal(err)
		}

		compare(t, "stdout", strings.Join(want, "\n")+"\n", stdout)
	}
}

func TestLinksErrors(t *testing.T) {
	t.Parallel()

	ready := []client.Object{makeExam("algebra").obj(), makeLinks("algebra", 0, firstChunk)}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errRefused)

	tests := map[string]struct {
		plugin *plugin
		args   []string
		want   string
	}{
		"no such exam": {
			plugin: newPlugin(),
			args:   []string{"links", "algebra"},
			want:   `exam "algebra" not found in namespace "exams"`,
		},
		"no links yet": {
			plugin: newPlugin(makeExam("algebra").obj()),
			args:   []string{"links", "algebra"},
			want:   `exam "algebra" has no links yet; kubectl exam status algebra -n exams says why`,
		},
		"no such student": {
			plugin: newPlugin(ready...),
			args:   []string{"links", "algebra", "--student", "eve"},
			want:   `no student "eve" is enrolled in exam "algebra"`,
		},
		"other columns": {
			plugin: newPlugin(makeExam("algebra").obj(), makeLinks("algebra", 0, "id,url\n")),
			args:   []string{"links", "algebra"},
			want:   `secret algebra-links-0: links.csv: header is "id,url", want the columns id, name and url`,
		},
		"unknown format": {
			plugin: newPlugin(ready...),
			args:   []string{"links", "algebra", "-o", "xml"},
			want:   `output format "xml" is none of csv, table, json`,
		},
		"base without scheme": {
			plugin: newPlugin(ready...),
			args:   []string{"links", "algebra", "--base-url", "exams.example.org"},
			want:   `--base-url "exams.example.org": want a scheme and a host, for example https://exams.example.org`,
		},
		"base with a path": {
			plugin: newPlugin(ready...),
			args:   []string{"links", "algebra", "--base-url", "https://example.org/exams"},
			want:   `--base-url "https://example.org/exams": only scheme and host can be replaced, the path is the exam's`,
		},
		"may not": {
			plugin: failing(forbidden),
			args:   []string{"links", "algebra"},
			want:   `not allowed: your role lacks the verb "get" on "exams.exam.invigil.dev" in namespace "exams"`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := test.plugin.run(t, test.args...)
			if err == nil {
				t.Fatalf("no error; printed %q", stdout)
			}

			compare(t, "error", test.want, err.Error())
			compare(t, "stdout", "", stdout)
		})
	}
}
