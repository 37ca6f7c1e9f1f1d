package app

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/invigil/invigil/internal/wire"
)

func TestActions(t *testing.T) {
	t.Parallel()

	const by = " at 10:00:00 UTC by system:serviceaccount:exams:algebra-invigilator#c1\n"

	tests := map[string]struct {
		args       []string
		typed      string
		want       string
		wantSent   string
		wantStderr string
	}{
		"message": {
			args:     []string{"message", "algebra", "ada", "Ten minutes", "left."},
			want:     "ada: message sent" + by,
			wantSent: `ada {"id":"","kind":"message","text":"Ten minutes left."}`,
		},
		"warn": {
			args:     []string{"warn", "algebra", "evariste.galois@example.org", "Look at your screen."},
			want:     "evariste.galois@example.org: warned" + by,
			wantSent: `evariste.galois@example.org {"id":"","kind":"warn","text":"Look at your screen."}`,
		},
		"pause": {
			args: []string{"pause", "algebra", "ada"}, want: "ada: paused" + by, wantSent: `ada {"id":"","kind":"pause"}`,
		},
		"resume": {
			args: []string{"resume", "algebra", "ada"}, want: "ada: resumed" + by, wantSent: `ada {"id":"","kind":"resume"}`,
		},
		"extend": {
			args:     []string{"extend", "algebra", "ada", "--minutes", "15"},
			want:     "ada: 15 minutes added" + by,
			wantSent: `ada {"id":"","kind":"extend","minutes":15}`,
		},
		"terminate": {
			args:       []string{"terminate", "algebra", "ada", "--reason", "Somebody else.", "--text", "Goodbye."},
			typed:      "ada\n",
			want:       "ada: terminated" + by,
			wantSent:   `ada {"id":"","kind":"terminate","text":"Goodbye.","reason":"Somebody else."}`,
			wantStderr: "This ends algebra for ada and cannot be taken back. Type the student's id to go on: ",
		},
		"terminate, no question": {
			args:     []string{"terminate", "algebra", "ada", "--reason", "Somebody else.", "--yes"},
			want:     "ada: terminated" + by,
			wantSent: `ada {"id":"","kind":"terminate","reason":"Somebody else."}`,
		},
		"dismiss": {
			args:     []string{"dismiss", "algebra", "ada", "--violation", "FocusLost", "--number", "2", "--reason", "The quiz."},
			want:     "ada: FocusLost 2 dismissed" + by,
			wantSent: `ada {"id":"","kind":"dismiss","violation":"FocusLost","number":2,"reason":"The quiz."}`,
		},
		"as an object": {
			args: []string{"pause", "algebra", "ada", "-o", "yaml"},
			want: "at: 1772445600000\nby: system:serviceaccount:exams:algebra-invigilator#c1\n" +
				"id: \"\"\nkind: pause\nstudent: ada\n",
			wantSent: `ada {"id":"","kind":"pause"}`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			hall := newHall(t)
			hall.takeActions(t, nil, 0)

			streams, in, out, errOut := genericiooptions.NewTestIOStreams()
			in.WriteString(test.typed)

			if err := hall.runWith(t, t.Context(), streams, test.args...); err != nil {
				t.Fatal(err)
			}

			compare(t, "stdout", test.want, out.String())
			compare(t, "stderr", test.wantStderr, errOut.String())
			compare(t, "sent", test.wantSent, strings.Join(hall.sent, "\n"))
		})
	}
}

func TestActionErrors(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		args    []string
		typed   string
		refused *wire.Error
		status  int
		want    string
		sends   bool
	}{
		"another id is typed": {
			args: []string{"terminate", "algebra", "ada", "--reason", "x"}, typed: "adam\n",
			want: "that is not the student's id; nothing was done",
		},
		"nothing is typed": {
			args: []string{"terminate", "algebra", "ada", "--reason", "x"},
			want: "that is not the student's id; nothing was done",
		},
		"no reason":  {args: []string{"terminate", "algebra", "ada"}, want: `required flag(s) "reason" not set`},
		"no minutes": {args: []string{"extend", "algebra", "ada"}, want: `required flag(s) "minutes" not set`},
		"the last one": {
			args: []string{"dismiss", "algebra", "ada", "--violation", "FocusLost", "--number", "0", "--reason", "x"},
			want: "--number counts from 1",
		},
		"format": {
			args: []string{"pause", "algebra", "ada", "-o", "xml"}, want: `output format "xml" is none of json, yaml`,
		},
		"no such exam": {
			args: []string{"pause", "biology", "ada"},
			want: `exam "biology" has no ready scoring pod; kubectl exam doctor biology -n exams says why`,
		},
		"refused": {
			args:    []string{"resume", "algebra", "ada"},
			refused: &wire.Error{Code: wire.CodeConflict, Message: "The session is not paused."}, status: http.StatusConflict,
			want:  "the exam answers 409 Conflict: The session is not paused. Try again in 1 s.",
			sends: true,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			hall := newHall(t)
			hall.takeActions(t, test.refused, test.status)

			streams, in, _, _ := genericiooptions.NewTestIOStreams()
			in.WriteString(test.typed)

			err := hall.runWith(t, t.Context(), streams, test.args...)
			if err == nil {
				t.Fatal("no error")
			}

			compare(t, "error", test.want, err.Error())

			if sends := len(hall.sent) > 0; sends != test.sends {
				t.Errorf("sent %q", hall.sent)
			}
		})
	}
}

func TestActionsNeedAPod(t *testing.T) {
	t.Parallel()

	plugin := watchable(&mint{}, 0)
	if err := plugin.client.Delete(t.Context(), makePod("scoring-0", true)); err != nil {
		t.Fatal(err)
	}

	_, _, err := plugin.run(t, "pause", "algebra", "ada")
	if err == nil {
		t.Fatal("no error")
	}

	compare(t, "error", `exam "algebra" has no ready scoring pod; kubectl exam doctor algebra -n exams says why`, err.Error())
}

func TestActionsAreNotAllowed(t *testing.T) {
	t.Parallel()

	_, _, err := watchable(&mint{refused: forbiddenToken()}, 0).run(t, "pause", "algebra", "ada")
	if err == nil {
		t.Fatal("no error")
	}

	compare(t, "error", `not allowed: your role lacks the verb "create" on "serviceaccounts/token" in namespace "exams"`,
		err.Error())
}
