package artifacts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

func repositoryStore(t *testing.T) *Store {
	t.Helper()
	repository, err := findRepository()
	if err != nil {
		t.Fatal(err)
	}
	return &Store{Dir: t.TempDir(), Repository: repository, Report: t.Logf}
}

func TestPathsNameVersions(t *testing.T) {
	s := repositoryStore(t)
	seen := map[string]bool{}
	for _, component := range All() {
		path, err := s.Path(component)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.Path(component); err != nil || again != path {
			t.Errorf("%s: %s, then %s, %v", component.Name, path, again, err)
		}
		if component.Versioned != "" && !strings.Contains(path, component.Name+"-v") {
			t.Errorf("%s: no version in %s", component.Name, path)
		}
		if seen[path] {
			t.Errorf("%s is used twice", path)
		}
		seen[path] = true
	}
}

func TestFingerprintFollowsRequirements(t *testing.T) {
	dir := t.TempDir()
	fingerprint := func(sum string) string {
		for name, content := range map[string]string{"go.mod": "module m\n", "go.sum": sum, "tools.go": "package m\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Etcd.fingerprint(dir, "v1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := fingerprint("one")
	if fingerprint("one") != first {
		t.Error("the same requirements gave another fingerprint")
	}
	if fingerprint("two") == first {
		t.Error("other requirements gave the same fingerprint")
	}
}

func TestKubernetesStamp(t *testing.T) {
	const p = "-X k8s.io/component-base/version."
	if got, want := kubernetesStamp("v1.37.2"), p+"gitVersion=v1.37.2 "+p+"gitMajor=1 "+p+"gitMinor=37"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOutsideOfARepository(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := Open(t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Path(Etcd); !errors.Is(err, &fault.Error{Code: fault.RepositoryNotFound}) {
		t.Errorf("got %v", err)
	}
}

func TestBuildIsWholeOrAbsent(t *testing.T) {
	s := repositoryStore(t)
	s.Log = filepath.Join(s.Dir, "build.log")
	broken := Component{Name: "pause", Packages: map[string]string{"pause": rootModule + "/hack/localcluster/absent"}}
	if _, err := s.Build(t.Context(), broken); !errors.Is(err, &fault.Error{Code: fault.BuildFailed}) {
		t.Errorf("got %v", err)
	}
	path, err := s.Build(t.Context(), Pause)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(path, "pause")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("program: %v, %v", info, err)
	}
	if drafts, _ := filepath.Glob(filepath.Join(s.Dir, ".draft-*")); len(drafts) > 0 {
		t.Errorf("left behind: %v", drafts)
	}
}

func TestLockIsForOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	waited := false
	if _, err := lock(short, path, func() { waited = true }); !errors.Is(err, context.DeadlineExceeded) || !waited {
		t.Errorf("locked twice: %v, waited %v", err, waited)
	}
	unlock()
	if unlock, err = lock(t.Context(), path, func() {}); err != nil {
		t.Fatal(err)
	}
	unlock()
}
