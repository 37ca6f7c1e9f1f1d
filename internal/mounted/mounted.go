// Package mounted reads configuration from files of a mounted ConfigMap or
// Secret and follows their changes.
//
// The kubelet replaces such files by swapping a symbolic link of their folder,
// which inotify reports in ways that differ between versions and file systems;
// reading a small file once a second is cheap and always right.
package mounted

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// Interval is how often Follow looks at its file.
const Interval = time.Second

// Follow calls apply with the content of path now and whenever it has changed,
// until ctx ends. A file that does not exist yet is waited for. An error of
// apply, or of reading, goes to report once per content; what was applied last
// stays in force.
func Follow(ctx context.Context, path string, apply func([]byte) error, report func(error)) {
	var (
		last     []byte
		seen     bool
		lastFail string
	)

	ticker := time.NewTicker(Interval)
	defer ticker.Stop()

	for {
		data, err := os.ReadFile(path)

		switch {
		case err != nil:
			if lastFail != err.Error() {
				lastFail = err.Error()
				report(err)
			}
		case !seen || !bytes.Equal(data, last):
			last, seen, lastFail = data, true, ""
			if err := apply(data); err != nil {
				report(fmt.Errorf("%s: %w", path, err))
			}
		}

		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
