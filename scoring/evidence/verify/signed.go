package verify

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"strings"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

// signed reads an object and its signature into value. It is false, with the
// problem reported, if the signature does not vouch for it.
func (c *check) signed(ctx context.Context, key string, value any) (bool, error) {
	raw, err := c.store.Get(ctx, key, objectLimit)

	switch {
	case errors.Is(err, bucket.ErrNotFound):
		c.problem(SignedGone, key, "its signature is there, and it is not")

		return false, nil
	case errors.Is(err, bucket.ErrTooLarge):
		c.problem(SignatureBad, key, "it is larger than any that we write")

		return false, nil
	case err != nil:
		return false, err
	}

	signature, err := c.store.Get(ctx, key+format.SignatureSuffix, format.SignatureSize)

	switch {
	case errors.Is(err, bucket.ErrNotFound):
		c.problem(SignatureGone, key, "its signature is missing")

		return false, nil
	case err != nil && !errors.Is(err, bucket.ErrTooLarge):
		return false, err
	}

	if !ed25519.Verify(c.public, raw, signature) {
		c.problem(SignatureBad, key, "the signature does not fit: one of the two was altered, or another key signed")

		return false, nil
	}

	if err := json.Unmarshal(raw, value); err != nil {
		c.problem(SignatureBad, key, "it is signed and cannot be read: %v", err)

		return false, nil
	}

	return true, nil
}

// belongs is whether a signed object is this exam's. The first one says which
// exam that is, if the caller did not.
func (c *check) belongs(key, exam string) bool {
	if c.report.Exam == "" {
		c.report.Exam = exam
	}

	if c.report.Exam != exam {
		c.problem(SignedMisplaced, key, "it is signed for the exam %s, and this is %s", exam, c.report.Exam)

		return false
	}

	return true
}

// listSigned calls each for every signed object of a folder, also for one of
// which only the signature is there.
func (c *check) listSigned(ctx context.Context, folder string, each func(key string) error) error {
	found := map[string]bool{}

	err := c.store.List(ctx, folder, func(object bucket.Object) error {
		key := strings.TrimSuffix(object.Key, format.SignatureSuffix)
		if !strings.HasSuffix(key, ".json") {
			c.problem(Unexpected, object.Key, "no signed object has such a key")
		} else {
			found[key] = true
		}

		return nil
	})
	if err != nil {
		return err
	}

	for key := range found {
		if err := each(key); err != nil {
			return err
		}
	}

	return nil
}

func (c *check) readSeal(ctx context.Context) error {
	return c.listSigned(ctx, format.SealKey, func(key string) error {
		var seal format.Seal

		good, err := c.signed(ctx, key, &seal)
		if err != nil || !good || !c.belongs(key, seal.Exam) {
			return err
		}

		c.seal = &seal
		c.report.Sealed = true

		for _, end := range seal.Students {
			c.anchor(end.Student, end.Seq, end.Head, key)
		}

		return nil
	})
}

func (c *check) readCheckpoints(ctx context.Context) error {
	return c.listSigned(ctx, format.Checkpoints, func(key string) error {
		var checkpoint format.Checkpoint

		good, err := c.signed(ctx, key, &checkpoint)
		if err != nil || !good || !c.belongs(key, checkpoint.Exam) {
			return err
		}

		if key != format.CheckpointKey(checkpoint.Student, checkpoint.Seq) {
			c.problem(SignedMisplaced, key, "it is the checkpoint of record %d of %s", checkpoint.Seq, checkpoint.Student)

			return nil
		}

		c.anchor(checkpoint.Student, checkpoint.Seq, checkpoint.Head, key)

		return nil
	})
}

// anchor notes a hash that a signature vouches for.
func (c *check) anchor(student string, seq int64, head, key string) {
	if c.anchors[student] == nil {
		c.anchors[student] = map[int64]string{}
	}

	if known, twice := c.anchors[student][seq]; twice && known != head {
		c.problem(Rewritten, key, "record %d of %s was signed twice, with different hashes", seq, student)

		return
	}

	c.anchors[student][seq] = head
}

func (c *check) readReceipts(ctx context.Context) error {
	return c.listSigned(ctx, format.Receipts, func(key string) error {
		var receipt format.Receipt

		good, err := c.signed(ctx, key, &receipt)
		if err != nil || !good || !c.belongs(key, receipt.Exam) {
			return err
		}

		for _, blob := range receipt.Blobs {
			c.explained[blob.SHA256] = max(c.explained[blob.SHA256], receipt.Before)
		}

		return nil
	})
}
