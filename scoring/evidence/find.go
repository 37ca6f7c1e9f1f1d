package evidence

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// Missing returns those of ids that no record of the student has, in their
// order. Errors: ErrInvalid, ErrSealing, ctx's, or what the bucket says.
func (l *Log) Missing(ctx context.Context, student string, ids []string) ([]string, error) {
	c, err := l.current(ctx, student)
	if err != nil {
		return nil, err
	}
	defer c.unlock()

	var missing []string

	for _, id := range ids {
		if _, known := c.seqOf(id); !known {
			missing = append(missing, id)
		}
	}

	return missing, nil
}

// Find returns the student's record that has the id; found is whether there is
// one. Errors: as Missing.
func (l *Log) Find(ctx context.Context, student, id string) (record format.Record, found bool, err error) {
	c, err := l.current(ctx, student)
	if err != nil {
		return format.Record{}, false, err
	}
	defer c.unlock()

	seq, known := c.seqOf(id)
	if !known {
		return format.Record{}, false, nil
	}

	raw, err := l.store.Get(ctx, format.RecordKey(student, seq), objectLimit)
	if err != nil {
		return format.Record{}, false, err
	}

	if err := json.Unmarshal(raw, &record); err != nil {
		return format.Record{}, false, fmt.Errorf("evidence: record %d of %s: %w", seq, student, err)
	}

	return record, true, nil
}

// current locks a student's chain as the bucket has it now. The caller unlocks it.
func (l *Log) current(ctx context.Context, student string) (*chain, error) {
	if !format.ValidStudent(student) {
		return nil, fmt.Errorf("%w: %q is no student's id", ErrInvalid, student)
	}

	c := l.chain(student)
	if err := c.lock(ctx); err != nil {
		return nil, err
	}

	err := c.load(ctx)
	if err == nil {
		err = c.follow(ctx)
	}

	if err != nil {
		c.unlock()

		return nil, err
	}

	return c, nil
}
