package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

func cutSignature(key string) (string, bool) { return strings.CutSuffix(key, format.SignatureSuffix) }

// putSigned creates an object and its signature, in this order: two writers who
// do it at once sign the bytes that the first one wrote, and Ed25519 gives both
// the same signature. What is there already is signed only if same accepts it.
// It returns the object's bytes. Errors: ErrConflict, or what the bucket says.
func (l *Log) putSigned(ctx context.Context, key string, raw []byte, same func(existing []byte) bool) ([]byte, error) {
	switch err := l.store.Create(ctx, key, raw); {
	case errors.Is(err, bucket.ErrExists):
		existing, err := l.store.Get(ctx, key, objectLimit)
		if err != nil {
			return nil, err
		}

		if !same(existing) {
			return nil, fmt.Errorf("%w: %s", ErrConflict, key)
		}

		raw = existing
	case err != nil:
		return nil, err
	}

	return raw, l.putSignature(ctx, key, raw)
}

func (l *Log) putSignature(ctx context.Context, key string, raw []byte) error {
	signature := ed25519.Sign(l.options.Key, raw)
	key += format.SignatureSuffix

	err := l.store.Create(ctx, key, signature)
	if !errors.Is(err, bucket.ErrExists) {
		return err
	}

	existing, err := l.store.Get(ctx, key, objectLimit)
	if err != nil {
		return err
	}

	if !bytes.Equal(existing, signature) {
		return fmt.Errorf("%w: %s", ErrConflict, key)
	}

	return nil
}

// reads is whether existing is exactly the encoding of a value that the caller
// finds right, so that nothing unseen is signed along.
func reads[T format.Checkpoint | format.Seal](existing []byte, right func(T) bool) bool {
	var value T
	if json.Unmarshal(existing, &value) != nil || !right(value) {
		return false
	}

	again, err := format.Encode(value)

	return err == nil && bytes.Equal(again, existing)
}

// Checkpoint signs where a student's chain is, if it has moved since the last
// checkpoint. Errors: ErrConflict, ctx's, or what the bucket says.
func (l *Log) Checkpoint(ctx context.Context, student string) error {
	if !format.ValidStudent(student) {
		return fmt.Errorf("%w: %q is no student's id", ErrInvalid, student)
	}

	c := l.chain(student)
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()

	if err := c.load(ctx); err != nil {
		return err
	}

	if err := c.follow(ctx); err != nil {
		return err
	}

	return c.checkpoint(ctx)
}

func (c *chain) checkpoint(ctx context.Context) error {
	if c.seq == c.signed {
		return nil
	}

	if err := c.checkpointHead(ctx, c.seq, c.head); err != nil {
		return err
	}

	c.signed = c.seq

	return nil
}

// checkpointAt signs an earlier record.
func (c *chain) checkpointAt(ctx context.Context, seq int64) error {
	raw, err := c.log.store.Get(ctx, format.RecordKey(c.student, seq), objectLimit)
	if err != nil {
		return err
	}

	return c.checkpointHead(ctx, seq, format.Hash(raw))
}

func (c *chain) checkpointHead(ctx context.Context, seq int64, head string) error {
	checkpoint := format.Checkpoint{
		Version: format.Version, Exam: c.log.options.Exam, Student: c.student,
		Seq: seq, Head: head, At: c.log.now(),
	}

	raw, err := format.Encode(checkpoint)
	if err != nil {
		return err
	}

	_, err = c.log.putSigned(ctx, format.CheckpointKey(c.student, seq), raw, func(existing []byte) bool {
		return reads(existing, func(found format.Checkpoint) bool {
			found.At = checkpoint.At // Another writer's clock.

			return found == checkpoint
		})
	})

	return err
}
