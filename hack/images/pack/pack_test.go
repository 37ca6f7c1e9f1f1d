package pack

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestImageIsReproducibleAndReadable(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := append(Accounts(),
		Binary("/usr/bin/program", program),
		File{Path: "/program", Link: "usr/bin/program"},
		Text("/etc/program/config", "x=1\n"),
	)
	reversed := make([]File, 0, len(files))
	for i := range files {
		reversed = append(reversed, files[len(files)-1-i])
	}
	var written [][]byte
	for i, order := range [][]File{files, reversed} {
		path := filepath.Join(dir, "images", string(rune('a'+i))+".tar")
		if err := Image(path, "example.test/program:v1", order, Config{Entrypoint: []string{"/program"}}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, content)
	}
	if !reflect.DeepEqual(written[0], written[1]) {
		t.Error("the same files in another order gave another image")
	}

	image, err := tarball.ImageFromPath(filepath.Join(dir, "images", "a.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != NonRoot || config.OS != "linux" || config.Config.Entrypoint[0] != "/program" {
		t.Errorf("config %+v", config.Config)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for reader := tar.NewReader(stream); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
	}
	want := map[string]int64{
		"etc/": 0o755, "etc/group": 0o644, "etc/passwd": 0o644, "etc/program/": 0o755, "etc/program/config": 0o644,
		"home/": 0o755, "home/nonroot/": 0o700, "program": 0o777, "tmp/": 0o1777,
		"usr/": 0o755, "usr/bin/": 0o755, "usr/bin/program": 0o755,
	}
	if !reflect.DeepEqual(modes, want) {
		t.Errorf("entries %v\nwant %v", modes, want)
	}
}

func TestImageRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	for name, build := range map[string]func() error{
		"relative path": func() error { return Image(path, "a.test/b:c", []File{Text("etc/passwd", "")}, Config{}) },
		"root folder":   func() error { return Image(path, "a.test/b:c", []File{Folder("/", 0o755)}, Config{}) },
		"missing file":  func() error { return Image(path, "a.test/b:c", []File{Binary("/a", "/does/not/exist")}, Config{}) },
		"bad name":      func() error { return Image(path, "UPPER", nil, Config{}) },
	} {
		if build() == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: left a tarball behind", name)
		}
	}
}

func TestParseLdd(t *testing.T) {
	libraries, err := parseLdd("\tlinux-vdso.so.1 (0x0000)\n" +
		"\tlibssl.so.3 => /lib/x/libssl.so.3 (0x0000)\n" +
		"\t/lib64/ld-linux-x86-64.so.2 (0x0000)\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/lib/x/libssl.so.3", "/lib64/ld-linux-x86-64.so.2"}; !reflect.DeepEqual(libraries, want) {
		t.Errorf("got %v, want %v", libraries, want)
	}
	if _, err := parseLdd("\tlibgone.so.1 => not found\n"); !errors.Is(err, ErrLibraryMissing) {
		t.Errorf("got %v, want %v", err, ErrLibraryMissing)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "b"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Tree("/srv", dir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path)
	}
	if want := []string{"/srv", "/srv/a", "/srv/a/b"}; !reflect.DeepEqual(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
}

func TestClosureOfARealProgram(t *testing.T) {
	if _, err := exec.LookPath("ldd"); err != nil {
		t.Skip("no ldd on this machine")
	}
	files, err := Closure(t.Context(), "sh", "sh")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		if seen[file.Path] {
			t.Errorf("%s is listed twice", file.Path)
		}
		seen[file.Path] = true
		if !filepath.IsAbs(file.Path) || file.Source != file.Path || file.mode() != 0o755 {
			t.Errorf("entry %+v", file)
		}
	}
	if err := Image(filepath.Join(t.TempDir(), "sh.tar"), "a.test/sh:v1", files, Config{Entrypoint: []string{"sh"}}); err != nil {
		t.Error(err)
	}
	if _, err := Closure(t.Context(), "no-such-program"); err == nil {
		t.Error("found a program that does not exist")
	}
}
