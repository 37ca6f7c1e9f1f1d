package pack

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// File is one entry of an image. Exactly one of Source, Content, Link and Dir
// is meaningful; an entry with none of them is an empty file.
type File struct {
	// Path is where the entry appears in the image, absolute.
	Path string
	// Source is a file of this machine to copy; links are followed.
	Source string
	// Content is the entry's content when there is no Source.
	Content []byte
	// Link makes the entry a symbolic link to this path.
	Link string
	// Dir makes the entry a folder.
	Dir bool
	// Mode holds the permission bits: 0755 for folders and 0644 for files
	// when 0. Copied files do not take their mode from Source, whose bits
	// depend on the umask of whoever built it.
	Mode int64
	// UID and GID own the entry.
	UID, GID int
}

// Binary is the entry of a program: source of this machine at path in the image.
func Binary(path, source string) File { return File{Path: path, Source: source, Mode: 0o755} }

// Text is the entry of a small text file.
func Text(path, content string) File { return File{Path: path, Content: []byte(content)} }

// Folder is the entry of a folder; mode 01777 makes one like /tmp.
func Folder(path string, mode int64) File { return File{Path: path, Dir: true, Mode: mode} }

// Accounts are the user files that programs which look up their own name need:
// root and nonroot, the latter with the number of NonRoot.
func Accounts() []File {
	return []File{
		Text("/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"),
		Text("/etc/group", "root:x:0:\nnonroot:x:65532:\n"),
		{Path: "/home/nonroot", Dir: true, Mode: 0o700, UID: 65532, GID: 65532},
		Folder("/tmp", 0o1777),
	}
}

// Tree lists every file and folder under source, to appear under target. Links
// are kept as links.
func Tree(target, source string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(source, func(at string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, at)
		if err != nil {
			return err
		}
		to := path.Join(target, filepath.ToSlash(relative))
		switch {
		case entry.IsDir():
			files = append(files, Folder(to, 0o755))
		case entry.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(at)
			if err != nil {
				return err
			}
			files = append(files, File{Path: to, Link: link})
		case entry.Type().IsRegular():
			files = append(files, File{Path: to, Source: at})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", source, err)
	}
	return files, nil
}

// clean returns the entry's path without its leading slash, as tar wants it.
func (f File) clean() (string, error) {
	if !strings.HasPrefix(f.Path, "/") {
		return "", fmt.Errorf("path %q of an image file is not absolute", f.Path)
	}
	cleaned := path.Clean(f.Path)
	if cleaned == "/" {
		return "", fmt.Errorf("an image file cannot be the root folder")
	}
	return strings.TrimPrefix(cleaned, "/"), nil
}

// mode returns the permission bits of the entry.
func (f File) mode() int64 {
	switch {
	case f.Mode != 0:
		return f.Mode
	case f.Dir:
		return 0o755
	default:
		return 0o644
	}
}

// open returns the content of a regular file and its size.
func (f File) open() (io.ReadCloser, int64, error) {
	if f.Source == "" {
		return io.NopCloser(strings.NewReader(string(f.Content))), int64(len(f.Content)), nil
	}
	file, err := os.Open(f.Source)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, 0, fmt.Errorf("%s is not a regular file", f.Source)
	}
	return file, info.Size(), nil
}
