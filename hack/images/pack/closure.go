package pack

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ErrLibraryMissing is returned by Closure when the dynamic linker cannot find
// a library that a program needs.
var ErrLibraryMissing = errors.New("LibraryMissing")

// Closure lists programs of this machine together with the shared libraries
// and the dynamic linker that they load, each at the path it has here. Static
// programs contribute just themselves.
//
// It asks `ldd`, which runs the program's own dynamic linker: use it for
// programs you trust.
func Closure(ctx context.Context, programs ...string) ([]File, error) {
	var files []File
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			// Libraries are mode 0755 as well: the dynamic linker must be
			// executable, and it does no harm to the others.
			files = append(files, Binary(path, path))
		}
	}
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err != nil {
			return nil, fmt.Errorf("find program: %w", err)
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, fmt.Errorf("find program: %w", err)
		}
		add(path)
		libraries, err := librariesOf(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, library := range libraries {
			add(library)
		}
	}
	return files, nil
}

func librariesOf(ctx context.Context, path string) ([]string, error) {
	output, err := exec.CommandContext(ctx, "ldd", path).CombinedOutput()
	if err != nil {
		// ldd fails on static programs, and says so in one of two ways.
		for _, static := range []string{"not a dynamic executable", "statically linked"} {
			if strings.Contains(string(output), static) {
				return nil, nil
			}
		}
		return nil, fmt.Errorf("ldd %s: %w: %s", path, err, strings.TrimSpace(string(output)))
	}
	return parseLdd(string(output))
}

// parseLdd reads the library paths out of ldd's answer, whose lines look like
//
//	linux-vdso.so.1 (0x00007ffd)
//	libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f0e)
//	libgone.so.1 => not found
//	/lib64/ld-linux-x86-64.so.2 (0x00007f0f)
func parseLdd(output string) ([]string, error) {
	var libraries []string
	for line := range strings.Lines(output) {
		left, right, arrow := strings.Cut(strings.TrimSpace(line), " => ")
		target := left
		if arrow {
			target = right
		}
		if strings.HasPrefix(target, "not found") {
			return nil, fmt.Errorf("%w: %s", ErrLibraryMissing, left)
		}
		path, _, _ := strings.Cut(target, " ")
		// The kernel's own object has a name but no path: nothing to copy.
		if filepath.IsAbs(path) && !slices.Contains(libraries, path) {
			libraries = append(libraries, path)
		}
	}
	return libraries, nil
}
