package evidence

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// attempts is how often an append makes way for other writers. Each lost attempt
// means that another writer's record went in.
const attempts = 32

// Appended is where an entry is on record.
type Appended struct {
	Seq int64
	// Repeated is whether it already was.
	Repeated bool
	// Bytes that this call added to the bucket.
	Bytes int64
}

// Append records the entry. Once it returns without error, the record and its
// pictures are in the bucket. After an error the entry may be recorded or not,
// and Append with the same id finds out. Errors: ErrInvalid, ErrSealed,
// ErrSealing, ErrContended, ctx's, or what the bucket says; Permanent tells them
// apart.
func (l *Log) Append(ctx context.Context, entry Entry) (Appended, error) {
	if err := entry.check(); err != nil {
		return Appended{}, err
	}

	c := l.chain(entry.Student)
	if err := c.lock(ctx); err != nil {
		return Appended{}, err
	}
	defer c.unlock()

	if err := c.load(ctx); err != nil {
		return Appended{}, err
	}

	if seq, known := c.seqOf(entry.ID); known {
		return Appended{Seq: seq, Repeated: true}, c.settle(ctx, seq)
	}

	if l.sealed.Load() != nil {
		return Appended{}, ErrSealed
	}

	done, err := c.append(ctx, &entry)
	if err != nil {
		return Appended{}, err
	}

	if err := c.settle(ctx, done.Seq); err != nil {
		return Appended{}, err
	}

	if c.seq-c.signed >= l.options.CheckpointEvery {
		// The record is in. The next one brings the checkpoint up again.
		if err := c.checkpoint(ctx); err != nil {
			l.options.Log.Warn("evidence has no checkpoint", zap.String("student", c.student), zap.Error(err))
		}
	}

	return done, nil
}

// append puts the entry at the chain's end, wherever that is by then.
func (c *chain) append(ctx context.Context, entry *Entry) (Appended, error) {
	done := Appended{}

	// Pictures first: a record never refers to what is not there yet.
	blobs, added, err := c.log.putPictures(ctx, entry.Pictures)
	if err != nil {
		return Appended{}, err
	}

	done.Bytes = added

	for range attempts {
		record := format.Record{
			Version: format.Version, Exam: c.log.options.Exam, Student: c.student, Seq: c.seq + 1, Prev: c.head,
			ID: entry.ID, At: entry.At, Kind: entry.Kind(), Facts: entry.Facts, Blobs: blobs,
		}
		if record.At == 0 {
			record.At = c.log.now()
		}

		if record.Seq > format.MaxSeq {
			return Appended{}, fmt.Errorf("%w: %s has %d records", ErrInvalid, c.student, c.seq)
		}

		raw, err := format.Encode(record)
		if err != nil {
			return Appended{}, err
		}

		switch err := c.log.store.Create(ctx, format.RecordKey(c.student, record.Seq), raw); {
		case err == nil:
			c.add(record.Seq, record.ID, raw)

			done.Seq = record.Seq
			done.Bytes += int64(len(raw))

			return done, nil
		case !errors.Is(err, bucket.ErrExists):
			return Appended{}, err
		}

		// Another writer was faster, or it was us: an answer was lost.
		if err := c.follow(ctx); err != nil {
			return Appended{}, err
		}

		if seq, known := c.seqOf(entry.ID); known {
			done.Seq, done.Repeated = seq, true

			return done, nil
		}
	}

	return Appended{}, fmt.Errorf("%w: %s", ErrContended, c.student)
}

func (l *Log) putPictures(ctx context.Context, pictures []Picture) ([]format.Blob, int64, error) {
	var (
		blobs []format.Blob
		added int64
	)

	for i := range pictures {
		picture := &pictures[i]
		blob := format.Blob{
			SHA256: format.Hash(picture.JPEG), Size: int64(len(picture.JPEG)),
			Source: picture.Source, CapturedAt: picture.CapturedAt,
		}
		blobs = append(blobs, blob)

		switch err := l.store.Create(ctx, format.BlobKey(blob.SHA256), picture.JPEG); {
		case err == nil:
			added += blob.Size
		case !errors.Is(err, bucket.ErrExists): // The name is the content: it is there already.
			return nil, 0, err
		}
	}

	return blobs, added, nil
}
