package pack

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// layerOf packs files into one layer.
//
// The tar stream is kept in memory: images here are tens of megabytes, and a
// layer is read several times (for its digest, its diff ID and the tarball).
func layerOf(files []File) (v1.Layer, error) {
	entries, err := withParents(files)
	if err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if err := writeEntry(writer, name, entries[name]); err != nil {
			return nil, fmt.Errorf("add /%s: %w", name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("finish layer: %w", err)
	}
	content := buffer.Bytes()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("make layer: %w", err)
	}
	return layer, nil
}

// withParents keys files by path and adds the folders that lead to them. A
// later file replaces an earlier one of the same path.
func withParents(files []File) (map[string]File, error) {
	entries := map[string]File{}
	for _, file := range files {
		name, err := file.clean()
		if err != nil {
			return nil, err
		}
		entries[name] = file
	}
	for name := range maps.Clone(entries) {
		for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
			if _, there := entries[parent]; !there {
				entries[parent] = File{Path: "/" + parent, Dir: true}
			}
		}
	}
	return entries, nil
}

func writeEntry(writer *tar.Writer, name string, file File) error {
	header := &tar.Header{
		Name: name,
		Mode: file.mode(),
		Uid:  file.UID,
		Gid:  file.GID,
		// A fixed time keeps layers reproducible.
		ModTime: time.Unix(0, 0).UTC(),
		Format:  tar.FormatPAX,
	}
	switch {
	case file.Dir:
		header.Typeflag = tar.TypeDir
		header.Name += "/"
		return writer.WriteHeader(header)
	case file.Link != "":
		header.Typeflag = tar.TypeSymlink
		header.Linkname = file.Link
		header.Mode = 0o777
		return writer.WriteHeader(header)
	}
	content, size, err := file.open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	header.Typeflag = tar.TypeReg
	header.Size = size
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(writer, content)
	return err
}
