package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob/fileblob"
)

const (
	// temporary holds files that are being written. It is in the bucket's own
	// folder, since a hard link cannot leave a volume.
	temporary = ".tmp"
	// abandoned is the age at which a temporary file has no writer any more.
	abandoned = time.Hour

	// The pod's group may read, for auditors beside it; nobody else.
	folderMode = 0o750
	fileMode   = 0o640
)

// folder creates objects in a directory: written under a temporary name, synced,
// then linked to the final one. link(2) is what fails if the name is taken, on
// local file systems and on NFS.
type folder struct {
	root string

	mu sync.Mutex
	// ready are directories that exist, and whose entries are on the disk.
	ready map[string]bool
}

func openFolder(address *url.URL) (*Bucket, error) {
	if address.RawQuery != "" || (address.Host != "" && address.Host != "localhost") {
		return nil, fmt.Errorf("evidence bucket: %s: only file:///folder is understood", address)
	}

	root := filepath.FromSlash(address.Path)

	blobs, err := fileblob.OpenBucket(root, &fileblob.Options{Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}

	f := &folder{root: root, ready: map[string]bool{}}
	f.sweep()

	return &Bucket{blobs: blobs, create: f.create}, nil
}

// sweep removes what writers that crashed left behind.
func (f *folder) sweep() {
	entries, err := os.ReadDir(filepath.Join(f.root, temporary))
	if err != nil {
		return // There is none, or the first write says what is wrong.
	}

	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(f.root, temporary, entry.Name()))
		}
	}
}

func (f *folder) create(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	if !fs.ValidPath(key) || strings.HasPrefix(key, temporary) {
		return fmt.Errorf("evidence bucket: %q is no key", key)
	}

	if err := f.link(key, data); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", key, ErrExists)
		}

		f.forget()

		return fmt.Errorf("evidence bucket: %s: %w", key, err)
	}

	return nil
}

func (f *folder) link(key string, data []byte) error {
	if err := errors.Join(f.prepare(temporary), f.prepare(path.Dir(key))); err != nil {
		return err
	}

	file, err := os.CreateTemp(filepath.Join(f.root, temporary), "*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())

	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(fileMode), file.Sync(), file.Close()); err != nil {
		return err
	}

	final := filepath.Join(f.root, filepath.FromSlash(key))
	if err := os.Link(file.Name(), final); err != nil {
		if !errors.Is(err, fs.ErrExist) && errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("%w: the volume has no hard links: %w", ErrUnsafe, err)
		}

		return err
	}

	return syncDir(filepath.Dir(final))
}

// prepare makes a directory of the bucket, and what is above it, durable. The
// bucket's own folder must be there: a volume that is not mounted must not look
// like an empty bucket.
func (f *folder) prepare(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.ready[dir] || dir == "." {
		return nil
	}

	at := f.root
	for name := range strings.SplitSeq(dir, "/") {
		above := at
		at = filepath.Join(at, name)

		if err := os.Mkdir(at, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}

		if err := syncDir(above); err != nil {
			return err
		}
	}

	f.ready[dir] = true

	return nil
}

// forget has directories looked at again: after an error they may be gone.
func (f *folder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()

	clear(f.ready)
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}

	return errors.Join(dir.Sync(), dir.Close())
}

func contentType(key string) string {
	switch path.Ext(key) {
	case ".jpg":
		return "image/jpeg"
	case ".json":
		return "application/json"
	default:
		return "application/octet-stream"
	}
}
