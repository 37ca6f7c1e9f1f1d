package app

import "testing"

func TestSessions(t *testing.T) {
	t.Parallel()

	const titles = "STUDENT       NAME          STATE        STREAMING  SCORE  LEVEL     SHARD  SEEN\n"

	tests := map[string]struct {
		args       []string
		want       string
		wantStderr string
	}{
		"worst first": {
			want: titles + `evariste.ga…  Évariste Ga…  Live         yes        64     critical  sfu-1  1s
kurt          Kurt Gödel    Interrupted  no         8      clear     sfu-1  3m
ada           Ada Lovelace  Live         yes        8      clear     sfu-0  2s
hua           华罗庚        Live         yes        0      clear     sfu-0  0s
emmy          Emmy Noether  Enrolled     no         0      -         -      -
`,
		},
		"by name": {
			args: []string{"--sort-by", "name", "-o", "name"},
			want: `examsession.exam.invigil.dev/algebra-ada
examsession.exam.invigil.dev/algebra-emmy
examsession.exam.invigil.dev/algebra-kurt
examsession.exam.invigil.dev/algebra-evariste-galois-example-org-806500d8
examsession.exam.invigil.dev/algebra-hua
`,
		},
		"by state": {
			args: []string{"--sort-by", "state", "-o", "jsonpath={.items[*].spec.student.id}"},
			want: "kurt evariste.galois@example.org ada hua emmy",
		},
		"not seen for long": {
			args: []string{"--sort-by", "seen", "-o", "jsonpath={.items[*].spec.student.id}"},
			want: "emmy kurt ada evariste.galois@example.org hua",
		},
		"a level": {
			args: []string{"--level", "suspicious,critical", "-o", "name"},
			want: "examsession.exam.invigil.dev/algebra-evariste-galois-example-org-806500d8\n",
		},
		"states": {
			args: []string{"--state", "Enrolled", "--state", "Interrupted", "-o", "name"},
			want: "examsession.exam.invigil.dev/algebra-kurt\nexamsession.exam.invigil.dev/algebra-emmy\n",
		},
		"a violation": {
			args: []string{"--violation", "GazeDeviation", "-o", "jsonpath={.kind} {.items[*].spec.student.id}"},
			want: "ExamSessionList evariste.galois@example.org",
		},
		"all filters hold": {
			args:       []string{"--violation", "GazeDeviation", "--level", "clear"},
			wantStderr: "None of 5 sessions matches.\n",
		},
		"none as an object": {
			args: []string{"--state", "Paused", "-o", "jsonpath={.items}"},
			want: "[]",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, stderr, err := newPlugin(classroom()...).run(t, append([]string{"sessions", "algebra"}, test.args...)...)
			if err != nil {
				t.Fatal(err)
			}

			compare(t, "stdout", test.want, stdout)
			compare(t, "stderr", test.wantStderr, stderr)
		})
	}
}

func TestSessionsErrors(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		args []string
		want string
	}{
		"no such exam":  {[]string{"biology"}, `exam "biology" not found in namespace "exams"`},
		"no such order": {[]string{"algebra", "--sort-by", "age"}, `--sort-by "age" is none of score, name, state, seen`},
		"no such level": {
			[]string{"algebra", "--level", "red"}, `--level "red" is none of clear, watch, suspicious, critical`,
		},
		"no such violation": {[]string{"algebra", "--violation", "Yawning"}, `--violation "Yawning" is none of ` + allViolations},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, _, err := newPlugin(classroom()...).run(t, append([]string{"sessions"}, test.args...)...)
			if err == nil {
				t.Fatal("no error")
			}

			compare(t, "error", test.want, err.Error())
		})
	}
}

const allViolations = "MultipleFaces, FaceMissing, CameraBlackout, GazeDeviation, HeadTurned, FocusLost, Speaking, LowQuality"
