package artifacts

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// rootModule is the module whose folder holds hack/localcluster.
const rootModule = "github.com/invigil/invigil"

// Store is the cache of built programs and images.
type Store struct {
	// Dir is the cache folder.
	Dir string
	// Repository is the folder of the root module; found when needed.
	Repository string
	// Log is where the output of builds goes.
	Log string
	// Report is told about each thing that is built.
	Report func(format string, args ...any)
}

// Open finds the cache folder of this user. The repository is looked for later,
// around the current folder, when something may have to be built.
func Open(report func(format string, args ...any)) (*Store, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find cache folder: %w", err)
	}
	dir := filepath.Join(cache, "invigil", "localcluster")
	return &Store{Dir: dir, Log: filepath.Join(dir, "build.log"), Report: report}, nil
}

// findRepository walks up from the current folder to the root module.
func findRepository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find repository: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if moduleName(filepath.Join(dir, "go.mod")) == rootModule {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fault.New(fault.RepositoryNotFound,
				"%s is not inside a checkout of %s, whose hack/localcluster/modules pin what is built", start, rootModule)
		}
	}
}

// moduleName returns the module that a go.mod declares, "" if there is none.
func moduleName(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// moduleDir is the folder the go command runs in to build a component.
func (s *Store) moduleDir(c Component) string {
	if c.Module == "" {
		return s.Repository
	}
	return filepath.Join(s.Repository, "hack", "localcluster", "modules", c.Module)
}

// sourceDir is the folder whose files make a difference to a component.
func (s *Store) sourceDir(c Component) string {
	if c.Module == "" {
		// Code of the root module that uses the standard library only: the
		// root's go.mod, which changes often, makes no difference to it.
		return filepath.Join(s.Repository, "hack", "localcluster", c.Name)
	}
	return s.moduleDir(c)
}

// Path returns the folder that holds a component's programs once it is built.
func (s *Store) Path(c Component) (string, error) {
	if s.Repository == "" {
		repository, err := findRepository()
		if err != nil {
			return "", err
		}
		s.Repository = repository
	}
	version, err := c.version(s.moduleDir(c))
	if err != nil {
		return "", err
	}
	fingerprint, err := c.fingerprint(s.sourceDir(c), version)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%s-%s", c.Name, version, fingerprint)), nil
}

// exists reports whether path is there. Everything in the cache is put in
// place by a rename when it is complete, so being there is enough.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
