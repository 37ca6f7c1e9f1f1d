package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/invigil/invigil/hack/lab/client"
)

// enrolled is one line of a links file.
type enrolled struct {
	id   string
	link client.Link
}

// readLinks reads a links.csv file, or each links*.csv below a folder, sorted by
// path: a roster of more than 1,000 is in several Secrets, each mounted into a
// folder of its own.
func readLinks(path string, base *url.URL) ([]enrolled, error) {
	files, err := linkFiles(path)
	if err != nil {
		return nil, err
	}

	var all []enrolled

	for _, file := range files {
		students, err := readLinksFile(file, base)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}

		all = append(all, students...)
	}

	return all, nil
}

func linkFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}

	if !info.IsDir() {
		return []string{path}, nil
	}

	// Folders that begin with a dot are the kubelet's own: the same files again.
	var files []string

	for _, pattern := range []string{"links*.csv", "[^.]*/links*.csv"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, fmt.Errorf("links: %w", err)
		}

		files = append(files, found...)
	}

	if len(files) == 0 {
		return nil, fmt.Errorf("there is no links*.csv in %s", path)
	}

	slices.Sort(files)

	return files, nil
}

func readLinksFile(path string, base *url.URL) ([]enrolled, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the path already
	}
	defer file.Close()

	return parseLinks(file, base)
}

// parseLinks reads CSV with at least the columns id and url, in any order.
func parseLinks(r io.Reader, base *url.URL) ([]enrolled, error) {
	reader := csv.NewReader(r)

	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}

	id, link := slices.Index(header, "id"), slices.Index(header, "url")
	if id < 0 || link < 0 {
		return nil, fmt.Errorf("columns are %q, want id, name, url", header)
	}

	var students []enrolled

	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return students, nil
		}

		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}

		parsed, err := client.ParseLink(record[link], base)
		if err != nil {
			return nil, fmt.Errorf("student %s: %w", record[id], err)
		}

		students = append(students, enrolled{id: record[id], link: parsed})
	}
}
