// Package record keeps what a benchmark measured for programs to read.
package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes measured as indented JSON to path, and makes its folder.
func Write(path string, measured any) error {
	data, err := json.MarshalIndent(measured, "", "  ")
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}

	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}

	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}

	return nil
}
