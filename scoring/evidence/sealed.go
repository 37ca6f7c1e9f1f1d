package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// How long an append that meets a seal in the making waits for it.
const (
	sealingLooks = 20
	sealingPause = 100 * time.Millisecond
)

// seal is the last seq that counts, by student.
type seal struct{ seqs map[string]int64 }

// adopt remembers the seal: this process appends no more.
func (l *Log) adopt(raw []byte) (format.Seal, error) {
	var found format.Seal
	if err := json.Unmarshal(raw, &found); err != nil {
		return format.Seal{}, fmt.Errorf("%w: %s: %w", ErrConflict, format.SealKey, err)
	}

	known := &seal{seqs: make(map[string]int64, len(found.Students))}
	for _, end := range found.Students {
		known.seqs[end.Student] = end.Seq
	}

	l.sealed.Store(known)

	return found, nil
}

// sealedBy returns the seal; nil if none was begun. It waits for one that was.
func (l *Log) sealedBy(ctx context.Context) (*seal, error) {
	if known := l.sealed.Load(); known != nil {
		return known, nil
	}

	begun, err := l.store.Exists(ctx, format.SealingKey)
	if err != nil || !begun {
		return nil, err
	}

	pause := time.NewTicker(sealingPause)
	defer pause.Stop()

	for range sealingLooks {
		raw, err := l.signedSeal(ctx)
		if err == nil {
			_, err = l.adopt(raw)

			return l.sealed.Load(), err
		}

		if !errors.Is(err, bucket.ErrNotFound) {
			return nil, err
		}

		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-pause.C:
		}
	}

	return nil, ErrSealing
}

// signedSeal reads the seal once it has our signature: records are deleted on its
// word. Errors: bucket.ErrNotFound while one of the two is missing, ErrConflict,
// or what the bucket says.
func (l *Log) signedSeal(ctx context.Context) ([]byte, error) {
	raw, err := l.store.Get(ctx, format.SealKey, objectLimit)
	if err != nil {
		return nil, err
	}

	signature, err := l.store.Get(ctx, format.SealKey+format.SignatureSuffix, objectLimit)
	if err != nil {
		return nil, err
	}

	if !bytes.Equal(signature, ed25519.Sign(l.options.Key, raw)) {
		return nil, fmt.Errorf("%w: %s", ErrConflict, format.SealKey+format.SignatureSuffix)
	}

	return raw, nil
}
