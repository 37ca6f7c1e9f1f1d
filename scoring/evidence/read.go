package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// Reading is a part of a student's records.
type Reading struct {
	// Records in their order.
	Records []format.Record
	// Last is the seq of the last record that was looked for, and More whether there
	// are others behind it.
	Last int64
	More bool
	// Missing is how many were not found, or are no records of the student. Only
	// verification tells why.
	Missing int
}

// Read reads the student's records with a seq above after, limit of them at most
// and 8 at once. Nobody who appends waits for it, but for the ids when the chain
// is first used. Errors: as Missing.
func (l *Log) Read(ctx context.Context, student string, after int64, limit int) (Reading, error) {
	c, err := l.current(ctx, student)
	if err != nil {
		return Reading{}, err
	}

	last := c.seq
	c.unlock()

	if after >= last {
		return Reading{Last: after}, nil
	}

	end := min(last, after+int64(limit))
	found := make([]format.Record, end-after)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)

	for i := range found {
		group.Go(func() error {
			seq := after + 1 + int64(i)

			raw, err := l.store.Get(reading, format.RecordKey(student, seq), objectLimit)
			if errors.Is(err, bucket.ErrNotFound) || errors.Is(err, bucket.ErrTooLarge) {
				return nil
			}

			if err != nil {
				return err
			}

			var record format.Record
			if json.Unmarshal(raw, &record) == nil && record.Student == student && record.Seq == seq {
				found[i] = record
			}

			return nil
		})
	}

	if err := group.Wait(); err != nil {
		return Reading{}, err
	}

	there := slices.DeleteFunc(found, func(record format.Record) bool { return record.Seq == 0 })

	return Reading{Records: there, Last: end, More: end < last, Missing: int(end-after) - len(there)}, nil
}
