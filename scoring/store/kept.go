package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Action is what is stored of an invigilator's action: what the session's state
// follows from. Words to the student are not in it.
type Action struct {
	// At comes first in the encoding: of two actions with one id, the earlier stands.
	At        int64  `json:"at"`
	Kind      string `json:"kind"`
	By        string `json:"by"`
	Minutes   int    `json:"minutes,omitempty"`
	Violation string `json:"violation,omitempty"`
	Number    int    `json:"number,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Fields of the hash with these prefixes are a record's Actions and Marks.
const (
	actionPrefix = "a:"
	markPrefix   = "m:"
)

// Empty is whether the record says nothing of its student.
func (r *Record) Empty() bool { return r.Generation == 0 && len(r.Actions) == 0 }

// keep merges what other keeps into r, without changing a map that somebody else
// may hold: actions are joined by id, marks only rise.
func (r *Record) keep(other *Record) {
	copied := false

	for id, action := range other.Actions {
		have, known := r.Actions[id]
		if known && (have == action || have.encode() <= action.encode()) {
			continue
		}

		r.Actions, copied = owned(r.Actions, copied), true
		r.Actions[id] = action
	}

	copied = false

	for name, value := range other.Marks {
		if have, known := r.Marks[name]; known && have >= value {
			continue
		}

		r.Marks, copied = owned(r.Marks, copied), true
		r.Marks[name] = value
	}
}

// owned is a map that may be written to.
func owned[T any](have map[string]T, already bool) map[string]T {
	switch {
	case already:
		return have
	case have == nil:
		return map[string]T{}
	default:
		return maps.Clone(have)
	}
}

func (a Action) encode() string {
	data, err := json.Marshal(a)
	if err != nil {
		panic(err) // Strings and numbers cannot fail.
	}

	return string(data)
}

// keptArgs are the arguments of sync.lua for what r keeps: three for each, like
// those of a violation.
func (r *Record) keptArgs() []any {
	args := make([]any, 0, 3*(len(r.Actions)+len(r.Marks)))

	for id, action := range r.Actions {
		args = append(args, actionPrefix+id, action.encode(), "")
	}

	for name, value := range r.Marks {
		args = append(args, markPrefix+name, value, "")
	}

	return args
}

// setKept takes a field of the hash, and says whether it was one of these.
func (r *Record) setKept(field, value string) (bool, error) {
	if id, ok := strings.CutPrefix(field, actionPrefix); ok {
		var action Action
		if err := json.Unmarshal([]byte(value), &action); err != nil {
			return true, fmt.Errorf("not an action: %w", err)
		}

		r.Actions = owned(r.Actions, r.Actions != nil)
		r.Actions[id] = action

		return true, nil
	}

	if name, ok := strings.CutPrefix(field, markPrefix); ok {
		number, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return true, fmt.Errorf("not a number: %w", err)
		}

		r.Marks = owned(r.Marks, r.Marks != nil)
		r.Marks[name] = number

		return true, nil
	}

	return false, nil
}
