package main

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(path, content string) {
		t.Helper()

		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write("0/links.csv", "id,name,url\nada,\"Lovelace, Ada\",https://exams.example/x/default/finals/#t1\n")
	write("1/links.csv", "name,url,id\nGrace,https://exams.example/x/default/finals/#t2,grace\n")
	write("1/..data/links.csv", "id,name,url\nnobody,Nobody,https://exams.example/x/default/finals/#t3\n")
	write("bad/header.csv", "student\nada\n")
	write("bad/token.csv", "id,name,url\nada,Ada,https://exams.example/x/default/finals/\n")

	base, err := url.Parse("http://127.0.0.1:18080")
	if err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct {
		path    string
		base    *url.URL
		want    []string
		wantErr bool
	}{
		"a file":       {path: "0/links.csv", want: []string{"ada https://exams.example/x/default/finals/ t1"}},
		"another base": {path: "0/links.csv", base: base, want: []string{"ada http://127.0.0.1:18080/x/default/finals/ t1"}},
		"folders": {
			path: ".",
			want: []string{"ada https://exams.example/x/default/finals/ t1", "grace https://exams.example/x/default/finals/ t2"},
		},
		"nothing there":   {path: "nope", wantErr: true},
		"an empty folder": {path: "bad", wantErr: true},
		"bad columns":     {path: "bad/header.csv", wantErr: true},
		"no token":        {path: "bad/token.csv", wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			students, err := readLinks(filepath.Join(dir, tc.path), tc.base)
			if (err != nil) != tc.wantErr {
				t.Fatalf("readLinks: %v", err)
			}

			var got []string
			for _, s := range students {
				got = append(got, strings.Join([]string{s.id, s.link.Exam.String(), s.link.Token}, " "))
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShares(t *testing.T) {
	var faults shares
	for _, value := range []string{"vanish=0.1", "flood=0.25"} {
		if err := faults.Set(value); err != nil {
			t.Fatal(err)
		}
	}

	for _, value := range []string{"vanish", "vanish=x", "vanish=-1", "sleep=0.1", "rejoin=0.8"} {
		if err := faults.Set(value); err == nil {
			t.Errorf("Set(%q) took it", value)
		}
	}

	got := faults.assign(40, 7)
	count := func(of Fault) int {
		n := 0

		for _, fault := range got {
			if fault == of {
				n++
			}
		}

		return n
	}

	if count(Vanish) != 4 || count(Flood) != 10 || count(NoFault) != 26 {
		t.Errorf("faults = %q", got)
	}

	if !slices.Equal(got, faults.assign(40, 7)) {
		t.Error("the same seed gives other faults")
	}

	if slices.Equal(got, faults.assign(40, 8)) {
		t.Error("another seed gives the same faults")
	}
}
