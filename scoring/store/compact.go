package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// compact writes the file anew. Until the new one is whole and has its name, the
// old one stands.
func (d *disk) compact() error {
	var buffer []byte
	for _, l := range d.content() {
		buffer = appendFrame(buffer, l)
	}

	file, err := os.OpenFile(d.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}

	_, err = file.Write(buffer)
	if err == nil {
		err = file.Sync()
	}

	if err == nil {
		err = os.Rename(d.path+".new", d.path)
	}

	if err != nil {
		// Not again before the file is twice as large.
		d.compacted = d.size

		return errors.Join(fmt.Errorf("compact: %w", err), file.Close())
	}

	err = errors.Join(syncFolder(d.path), d.file.Close())
	d.file, d.size, d.compacted = file, int64(len(buffer)), int64(len(buffer))

	return err
}

// syncFolder makes a new name in path's folder last.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}

	return errors.Join(folder.Sync(), folder.Close())
}
