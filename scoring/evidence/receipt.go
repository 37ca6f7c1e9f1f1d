package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// putReceipt writes the receipt under the day's next free number.
func (l *Log) putReceipt(ctx context.Context, receipt format.Receipt) (string, error) {
	raw, err := format.Encode(receipt)
	if err != nil {
		return "", err
	}

	date := time.UnixMilli(receipt.At).UTC().Format(time.DateOnly)

	for n := 1; ; n++ {
		key := format.ReceiptKey(date, n)

		// What is there is another receipt, or a stranger's.
		_, err := l.putSigned(ctx, key, raw, func([]byte) bool { return false })
		if !errors.Is(err, ErrConflict) {
			return key, err
		}
	}
}

// dropUnsigned removes receipts that a crash left without signature: all that
// they name is still there, so nothing was deleted for them. An unsigned receipt
// that names something missing stays, for verification to tell.
func (l *Log) dropUnsigned(ctx context.Context) error {
	signed := map[string]bool{}

	err := l.store.List(ctx, format.Receipts, func(object bucket.Object) error {
		key, isSignature := cutSignature(object.Key)
		signed[key] = signed[key] || isSignature

		return nil
	})
	if err != nil {
		return err
	}

	for key, done := range signed {
		if done {
			continue
		}

		idle, err := l.explainsNothing(ctx, key)
		if err != nil {
			return err
		}

		if !idle {
			continue
		}

		if err := l.store.Delete(ctx, key); err != nil {
			return err
		}
	}

	return nil
}

func (l *Log) explainsNothing(ctx context.Context, key string) (bool, error) {
	raw, err := l.store.Get(ctx, key, objectLimit)
	if err != nil {
		return false, err
	}

	var receipt format.Receipt
	if json.Unmarshal(raw, &receipt) != nil {
		return false, nil //nolint:nilerr // what cannot be read is none of ours, and stays
	}

	for _, blob := range receipt.Blobs {
		there, err := l.store.Exists(ctx, format.BlobKey(blob.SHA256))
		if err != nil || !there {
			return false, err
		}
	}

	return true, nil
}
