package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

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
