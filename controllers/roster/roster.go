// Package roster reads the list of enrolled students from what a Secret holds:
// CSV with the header line id,name, or a JSON array of {"id","name"}. It is
// pure; an error names the line or entry that it is about, in words for the
// person who wrote the roster.
package roster

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	// Max is the most students of one exam.
	Max = 5000

	maxIDLength   = 128
	maxNameLength = 200
)

// validID is the schema's pattern of Student.id; the schema does not see what
// is in a Secret.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)

// Parse reads a roster. A key that ends in .json is JSON, any other CSV. A
// student without a name has the id for a name.
func Parse(key string, data []byte) ([]examv1alpha1.Student, error) {
	// Spreadsheets begin UTF-8 files with a byte order mark.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))

	if strings.HasSuffix(strings.ToLower(key), ".json") {
		return parseJSON(data)
	}

	return parseCSV(data)
}

// Complete checks students that are not from a file and fills in their names.
func Complete(students []examv1alpha1.Student) ([]examv1alpha1.Student, error) {
	list := newList("student")

	for i, student := range students {
		if err := list.add(i+1, student); err != nil {
			return nil, err
		}
	}

	return list.done()
}

func parseCSV(data []byte) ([]examv1alpha1.Student, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true

	header, err := reader.Read()

	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the roster is empty")
	case err != nil:
		return nil, csvError(err)
	case len(header) != 2 || !isColumn(header[0], "id") || !isColumn(header[1], "name"):
		return nil, fmt.Errorf("line 1: the header is %q, want %q", strings.Join(header, ","), "id,name")
	}

	list := newList("line")

	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list.done()
		}

		if err != nil {
			return nil, csvError(err)
		}

		line, _ := reader.FieldPos(0)
		if len(record) != 2 {
			return nil, fmt.Errorf("line %d: %d fields, want 2 (id,name)", line, len(record))
		}

		student := examv1alpha1.Student{ID: strings.TrimSpace(record[0]), Name: strings.TrimSpace(record[1])}
		if err := list.add(line, student); err != nil {
			return nil, err
		}
	}
}

func isColumn(field, name string) bool { return strings.EqualFold(strings.TrimSpace(field), name) }

func csvError(err error) error {
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		return fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}

	return fmt.Errorf("read CSV: %w", err)
}

func parseJSON(data []byte) ([]examv1alpha1.Student, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()

	open, err := decoder.Token()

	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the roster is empty")
	case err != nil:
		return nil, fmt.Errorf("read JSON: %w", err)
	case open != json.Delim('['):
		return nil, errors.New(`the roster is no JSON array of {"id","name"}`)
	}

	list := newList("entry")

	for number := 1; decoder.More(); number++ {
		var student examv1alpha1.Student
		if err := decoder.Decode(&student); err != nil {
			return nil, fmt.Errorf("entry %d: %s", number, strings.TrimPrefix(err.Error(), "json: "))
		}

		if err := list.add(number, student); err != nil {
			return nil, err
		}
	}

	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("after entry %d: the array is not closed", len(list.students))
	}

	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("after entry %d: something follows the array", len(list.students))
	}

	return list.done()
}

// list collects students and remembers where each id stands.
type list struct {
	unit     string
	students []examv1alpha1.Student
	where    map[string]int
}

func newList(unit string) *list { return &list{unit: unit, where: map[string]int{}} }

func (l *list) add(number int, student examv1alpha1.Student) error {
	at := fmt.Sprintf("%s %d", l.unit, number)

	switch first, twice := l.where[student.ID]; {
	case student.ID == "":
		return fmt.Errorf("%s: the id is empty", at)
	case len(student.ID) > maxIDLength:
		return fmt.Errorf("%s: the id has %d characters, at most %d are allowed", at, len(student.ID), maxIDLength)
	case !validID.MatchString(student.ID):
		return fmt.Errorf("%s: id %q may hold letters, digits and . _ @ - only, beginning with a letter or digit", at, student.ID)
	case twice:
		return fmt.Errorf("%s: id %q stands on %s %d already", at, student.ID, l.unit, first)
	case !utf8.ValidString(student.Name):
		return fmt.Errorf("%s: the name is not UTF-8", at)
	case utf8.RuneCountInString(student.Name) > maxNameLength:
		return fmt.Errorf("%s: the name has more than %d characters", at, maxNameLength)
	case len(l.students) == Max:
		return fmt.Errorf("%s: more than %d students", at, Max)
	}

	if student.Name == "" {
		student.Name = student.ID
	}

	l.where[student.ID] = number
	l.students = append(l.students, student)

	return nil
}

func (l *list) done() ([]examv1alpha1.Student, error) {
	if len(l.students) == 0 {
		return nil, errors.New("the roster is empty")
	}

	return l.students, nil
}
