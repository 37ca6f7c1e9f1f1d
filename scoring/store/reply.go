package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/invigil/invigil/scoring/policy"
)

func flag(set bool) string {
	if set {
		return "1"
	}

	return "0"
}

var errReply = errors.New("redis gave an unexpected reply")

func parseOutcome(student string, reply []any) (Outcome, error) {
	if len(reply) != 3 {
		return Outcome{}, fmt.Errorf("%w: %d parts", errReply, len(reply))
	}

	status, _ := reply[0].(string)
	types, _ := reply[1].([]any)
	fields, _ := reply[2].([]any)

	outcome := Outcome{Status: Status(status)}

	for _, name := range types {
		violation, ok := name.(string)
		if !ok {
			return Outcome{}, fmt.Errorf("%w: type is %T", errReply, name)
		}

		outcome.Counted = append(outcome.Counted, violation)
	}

	record, err := parseRecord(student, fields)
	outcome.Record = record

	return outcome, err
}

func parseRecord(student string, fields []any) (Record, error) {
	record := Record{Student: student}

	for i := 0; i+1 < len(fields); i += 2 {
		name, named := fields[i].(string)
		value, valued := fields[i+1].(string)

		if !named || !valued {
			return Record{}, fmt.Errorf("%w: field is %T: %T", errReply, fields[i], fields[i+1])
		}

		if err := record.setField(name, value); err != nil {
			return Record{}, fmt.Errorf("%w: field %s: %w", errReply, name, err)
		}
	}

	return record, nil
}

func (r *Record) setField(name, value string) error {
	switch name {
	case "device":
		r.Device = value

		return nil
	case "sid":
		r.SID = value

		return nil
	}

	if kept, err := r.setKept(name, value); kept {
		return err
	}

	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("not a number: %w", err)
	}

	kind, violation, _ := strings.Cut(name, ":")

	switch kind {
	case "joined":
		r.JoinedAt = number
	case "gen":
		r.Generation = number
	case "seq":
		r.Seq = number
	case "live":
		r.Live = number == 1
	case "n", "last":
		if r.Tally == nil {
			r.Tally = policy.Tally{}
		}

		count := r.Tally[violation]
		if kind == "n" {
			count.N = int(number)
		} else {
			count.LastAt = number
		}

		r.Tally[violation] = count
	}
	// A field of a later version is left alone.

	return nil
}
