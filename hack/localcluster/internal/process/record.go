package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
)

// Record says which process runs under a name.
type Record struct {
	Name      string `json:"name"`
	PID       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`
	BootID    string `json:"bootID"`
	// Fingerprint identifies what it was started with: when that changes, the
	// process has to be started again.
	Fingerprint string   `json:"fingerprint"`
	Command     []string `json:"command"`
	Log         string   `json:"log"`
}

// Running reports whether the recorded process is still there.
func (r Record) Running() bool {
	boot, err := BootID()
	return err == nil && r.PID > 1 && boot == r.BootID && Alive(r.PID, r.StartTime)
}

// Table is the folder that holds the records, one file for each name.
type Table struct{ Dir string }

func (t Table) path(name string) string { return filepath.Join(t.Dir, name+".json") }

// Read returns the record of a name, and false when there is none that can be
// read.
func (t Table) Read(name string) (Record, bool) {
	content, err := os.ReadFile(t.path(name))
	if err != nil {
		return Record{}, false
	}
	var record Record
	if json.Unmarshal(content, &record) != nil {
		return Record{}, false
	}
	return record, true
}

// Write puts a record in the table.
func (t Table) Write(record Record) error {
	content, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encode record of %s: %w", record.Name, err)
	}
	return atomicfile.Write(t.path(record.Name), content, 0o644)
}

// Remove takes a record out of the table.
func (t Table) Remove(name string) error {
	if err := os.Remove(t.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove record of %s: %w", name, err)
	}
	return nil
}

// Names lists the names that have a record.
func (t Table) Names() ([]string, error) {
	paths, err := filepath.Glob(t.path("*"))
	if err != nil {
		return nil, fmt.Errorf("list process records: %w", err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	slices.Sort(names)
	return names, nil
}
