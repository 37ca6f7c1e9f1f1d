// Package roster reads the list of enrolled students from what a Secret holds:
// CSV whose header line names its columns, or a JSON array of students as the
// Exam's schema has them. It is pure; an error names the line or entry that it is
// about, in words for the person who wrote the roster.
package roster

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	// Max is the most students of one exam.
	Max = 5000

	maxIDLength   = 128
	maxNameLength = 200
	maxOverrides  = 8
	maxWeight     = 100
	// maxExtraTime and maxMustLast are far beyond what helps anybody, and near enough
	// that a wrong unit is found.
	maxExtraTime = 24 * time.Hour
	maxMustLast  = 10 * time.Minute
)

// validID is the schema's pattern of Student.id; the schema does not see what
// is in a Secret.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)

// Parse reads a roster. A key that ends in .json is JSON, any other CSV. A
// student without a name has the id for a name.
func Parse(key string, data []byte) ([]examv1alpha1.Student, error) {
	// Spreadsheets begin UTF-8 files with a byte order mark.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))

	parse := parseCSV
	if strings.HasSuffix(strings.ToLower(key), ".json") {
		parse = parseJSON
	}

	students, err := parse(data)
	if err != nil {
		return nil, short(err)
	}

	return students, nil
}

// maxError bounds an error, in bytes: it quotes the roster, and stands in the
// Exam's status.
const maxError = 512

func short(err error) error {
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "..."
	}

	return errors.New(text)
}

// Complete checks students that are not from a file and fills in their names.
func Complete(students []examv1alpha1.Student) ([]examv1alpha1.Student, error) {
	list := newList("student")

	for i, student := range students {
		if err := list.add(i+1, student); err != nil {
			return nil, short(err)
		}
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

	if err := checkExtraTime(student.ExtraTime); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}

	if err := checkOverrides(student.PolicyOverrides); err != nil {
		return fmt.Errorf("%s: %w", at, err)
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

func checkExtraTime(extra *metav1.Duration) error {
	if extra != nil && (extra.Duration < 0 || extra.Duration > maxExtraTime) {
		return fmt.Errorf("extraTime is %s, it may be 0 to 24h", extra.Duration)
	}

	return nil
}

// types are the violations that may be overridden.
func types() []examv1alpha1.ViolationType {
	return []examv1alpha1.ViolationType{
		examv1alpha1.MultipleFaces, examv1alpha1.FaceMissing, examv1alpha1.CameraBlackout, examv1alpha1.GazeDeviation,
		examv1alpha1.HeadTurned, examv1alpha1.FocusLost, examv1alpha1.Speaking, examv1alpha1.LowQuality,
	}
}

func checkOverrides(overrides []examv1alpha1.PolicyOverride) error {
	if len(overrides) > maxOverrides {
		return fmt.Errorf("%d policy overrides, at most %d are allowed", len(overrides), maxOverrides)
	}

	var seen []examv1alpha1.ViolationType

	for _, override := range overrides {
		switch {
		case !slices.Contains(types(), override.Type):
			return fmt.Errorf("there is no violation type %q", override.Type)
		case slices.Contains(seen, override.Type):
			return fmt.Errorf("%s is overridden twice", override.Type)
		case override.Weight != nil && (*override.Weight < 0 || *override.Weight > maxWeight):
			return fmt.Errorf("%s: weight is %d, it may be 0 to %d", override.Type, *override.Weight, maxWeight)
		case override.MustLast != nil && (override.MustLast.Duration < 0 || override.MustLast.Duration > maxMustLast):
			return fmt.Errorf("%s: mustLast is %s, it may be 0 to 10m", override.Type, override.MustLast.Duration)
		}

		seen = append(seen, override.Type)
	}

	return nil
}
