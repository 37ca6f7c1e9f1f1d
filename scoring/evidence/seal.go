package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// Seal ends the exam's evidence: every chain gets a last checkpoint, and the seal
// names all of them. From then on appends are refused, here and in every other
// process. Sealing again returns the first seal. Errors: ErrConflict if somebody
// else has put a seal there, or what the bucket says; Seal can then be repeated.
func (l *Log) Seal(ctx context.Context) (format.Seal, error) {
	// Whoever appends looks for the mark after its record is in. So a record is
	// in before the chains are counted below, or its writer sees the mark.
	if err := l.store.Create(ctx, format.SealingKey, []byte("{}")); err != nil && !errors.Is(err, bucket.ErrExists) {
		return format.Seal{}, err
	}

	made := format.Seal{Version: format.Version, Exam: l.options.Exam, At: l.now()}

	existing, err := l.store.Get(ctx, format.SealKey, objectLimit)

	switch {
	case err == nil:
		return l.resume(ctx, existing)
	case !errors.Is(err, bucket.ErrNotFound):
		return format.Seal{}, err
	}

	if made.Students, err = l.ends(ctx); err != nil {
		return format.Seal{}, err
	}

	raw, err := format.Encode(made)
	if err != nil {
		return format.Seal{}, err
	}

	written, err := l.putSigned(ctx, format.SealKey, raw, l.agrees(made.Students))
	if err != nil {
		return format.Seal{}, err
	}

	return l.adopt(written)
}

// resume finishes a seal that a crash may have left without its signature. What
// it says is compared with the chains before it is signed, since anybody who can
// write to the bucket could have put it there.
func (l *Log) resume(ctx context.Context, existing []byte) (format.Seal, error) {
	signed, err := l.store.Exists(ctx, format.SealKey+format.SignatureSuffix)
	if err != nil {
		return format.Seal{}, err
	}

	if !signed {
		students, err := l.ends(ctx)
		if err != nil {
			return format.Seal{}, err
		}

		if !l.agrees(students)(existing) {
			return format.Seal{}, fmt.Errorf("%w: %s", ErrConflict, format.SealKey)
		}
	}

	if err := l.putSignature(ctx, format.SealKey, existing); err != nil {
		return format.Seal{}, err
	}

	return l.adopt(existing)
}

func (l *Log) agrees(students []format.Sealed) func([]byte) bool {
	return func(existing []byte) bool {
		return reads(existing, func(found format.Seal) bool {
			return found.Version == format.Version && found.Exam == l.options.Exam && slices.Equal(found.Students, students)
		})
	}
}

// ends makes every chain's last checkpoint and returns where the chains end, by
// student.
func (l *Log) ends(ctx context.Context) ([]format.Sealed, error) {
	last := map[string]int64{}

	err := l.store.List(ctx, format.Records, func(object bucket.Object) error {
		if student, seq, ok := format.ParseSeqKey(format.Records, object.Key); ok {
			last[student] = max(last[student], seq)
		}

		return nil
	})
	if err != nil {
		return nil, err
	}

	var mu sync.Mutex

	ends := make([]format.Sealed, 0, len(last))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)

	for student, seq := range last {
		group.Go(func() error {
			raw, err := l.store.Get(ctx, format.RecordKey(student, seq), objectLimit)
			if err != nil {
				return err
			}

			end := format.Sealed{Student: student, Seq: seq, Head: format.Hash(raw)}

			c := &chain{log: l, student: student}
			if err := c.checkpointHead(ctx, end.Seq, end.Head); err != nil {
				return err
			}

			mu.Lock()
			defer mu.Unlock()

			ends = append(ends, end)

			return nil
		})
	}

	if err := group.Wait(); err != nil {
		return nil, err
	}

	slices.SortFunc(ends, func(a, b format.Sealed) int { return strings.Compare(a.Student, b.Student) })

	return ends, nil
}
