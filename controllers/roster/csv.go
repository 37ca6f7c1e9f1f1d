package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// The columns. Others than the id may be left out, and they may come in any order.
const (
	columnID        = "id"
	columnName      = "name"
	columnExtraTime = "extraTime"
	// columnDisabled lists violation types that are none for this student, with
	// spaces between them. Other overrides need JSON.
	columnDisabled = "disabled"
)

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
	}

	columns, err := readHeader(header)
	if err != nil {
		return nil, err
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
		if len(record) != len(columns) {
			return nil, fmt.Errorf("line %d: %d fields, want %d (%s)",
				line, len(record), len(columns), strings.Join(columns, ","))
		}

		student, err := readRecord(columns, record)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}

		if err := list.add(line, student); err != nil {
			return nil, err
		}
	}
}

// readHeader returns the columns in the file's order.
func readHeader(header []string) ([]string, error) {
	seen := map[string]bool{}
	columns := make([]string, 0, len(header))

	for _, field := range header {
		column := ""

		for _, known := range []string{columnID, columnName, columnExtraTime, columnDisabled} {
			if strings.EqualFold(strings.TrimSpace(field), known) {
				column = known
			}
		}

		if column != "" && seen[column] {
			return nil, fmt.Errorf("line 1: the column %s is there twice", column)
		}

		seen[column] = true
		columns = append(columns, column)
	}

	switch {
	case !seen[columnID]:
		return nil, fmt.Errorf("line 1: the header is %q, want %q", strings.Join(header, ","), "id,name")
	case seen[""]:
		return nil, fmt.Errorf("line 1: the header is %q, want columns of id,name,extraTime,disabled", strings.Join(header, ","))
	}

	return columns, nil
}

func readRecord(columns, record []string) (student examv1alpha1.Student, err error) {
	for i, column := range columns {
		switch field := strings.TrimSpace(record[i]); column {
		case columnID:
			student.ID = field
		case columnName:
			student.Name = field
		case columnExtraTime:
			if student.ExtraTime, err = readExtraTime(field); err != nil {
				return student, err
			}
		case columnDisabled:
			for kind := range strings.FieldsSeq(field) {
				student.PolicyOverrides = append(student.PolicyOverrides, examv1alpha1.PolicyOverride{
					Type: examv1alpha1.ViolationType(kind), Disabled: new(true),
				})
			}
		}
	}

	return student, nil
}

func readExtraTime(field string) (*metav1.Duration, error) {
	if field == "" {
		return nil, nil //nolint:nilnil // most students have none
	}

	extra, err := time.ParseDuration(field)
	if err != nil {
		return nil, fmt.Errorf("extraTime %q is no duration such as 15m", field)
	}

	return &metav1.Duration{Duration: extra}, nil
}

func csvError(err error) error {
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		return fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}

	return fmt.Errorf("read CSV: %w", err)
}
