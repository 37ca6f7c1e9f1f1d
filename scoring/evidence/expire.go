package evidence

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// receiptBlobs is how many deletions one receipt names, which keeps it below
// 256 KiB.
const receiptBlobs = 1000

// Expired is what Expire deleted.
type Expired struct {
	Blobs int
	// Bytes that the blobs had.
	Bytes int64
	// Receipts are the keys of the receipts.
	Receipts []string
	// Unreadable are keys of records that could not be read: pictures that only
	// they refer to count as referred to by none.
	Unreadable []string
}

// Expire deletes every picture whose records are all older than before, and every
// one without a record that was written before it. Records stay: the chain is
// made of them. A signed receipt is in the bucket before the first picture of it
// goes, so after a crash nothing is missing without one, and Expire can be
// repeated. Run it when the exam is over: a picture that is recorded again while
// it expires would be lost, and verification would say so. Errors: what the
// bucket says.
func (l *Log) Expire(ctx context.Context, before time.Time) (Expired, error) {
	var done Expired

	limit := before.UnixMilli()

	if err := l.dropUnsigned(ctx); err != nil {
		return done, err
	}

	newest, unreadable, err := l.references(ctx)
	if err != nil {
		return done, err
	}

	done.Unreadable = unreadable

	var gone []format.Deleted

	err = l.store.List(ctx, format.Blobs, func(object bucket.Object) error {
		hash, ok := format.ParseBlobKey(object.Key)
		if !ok {
			return nil
		}

		switch at, referenced := newest[hash]; {
		case referenced && at < limit:
			gone = append(gone, format.Deleted{SHA256: hash, Size: object.Size, Why: format.WhyRetention})
		case !referenced && object.Modified.Before(before):
			gone = append(gone, format.Deleted{SHA256: hash, Size: object.Size, Why: format.WhyUnreferenced})
		}

		return nil
	})
	if err != nil {
		return done, err
	}

	slices.SortFunc(gone, func(a, b format.Deleted) int { return cmp.Compare(a.SHA256, b.SHA256) })

	for part := range slices.Chunk(gone, receiptBlobs) {
		receipt := format.Receipt{
			Version: format.Version, Exam: l.options.Exam, At: l.now(), Before: limit, Blobs: part,
		}
		if err := l.expire(ctx, receipt, &done); err != nil {
			return done, err
		}
	}

	return done, nil
}

func (l *Log) expire(ctx context.Context, receipt format.Receipt, done *Expired) error {
	key, err := l.putReceipt(ctx, receipt)
	if err != nil {
		return err
	}

	done.Receipts = append(done.Receipts, key)

	for _, blob := range receipt.Blobs {
		if err := l.store.Delete(ctx, format.BlobKey(blob.SHA256)); err != nil {
			return err
		}

		done.Blobs++
		done.Bytes += blob.Size
	}

	return nil
}

// references returns the time of the newest record that refers to each blob, and
// the keys of records that cannot be read.
func (l *Log) references(ctx context.Context) (newest map[string]int64, unreadable []string, err error) {
	var mu sync.Mutex

	newest = map[string]int64{}
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)

	err = l.store.List(ctx, format.Records, func(object bucket.Object) error {
		group.Go(func() error {
			raw, err := l.store.Get(reading, object.Key, objectLimit)
			if err != nil && !errors.Is(err, bucket.ErrTooLarge) {
				return fmt.Errorf("expire: %w", err)
			}

			var record format.Record

			mu.Lock()
			defer mu.Unlock()

			if json.Unmarshal(raw, &record) != nil {
				unreadable = append(unreadable, object.Key)
			}

			for _, blob := range record.Blobs {
				newest[blob.SHA256] = max(newest[blob.SHA256], record.At)
			}

			return nil
		})

		return reading.Err()
	})

	return newest, unreadable, errors.Join(group.Wait(), err)
}
