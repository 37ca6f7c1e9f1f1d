package verify

import (
	"context"
	"errors"
	"slices"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

func (c *check) listBlobs(ctx context.Context) error {
	return c.store.List(ctx, format.Blobs, func(object bucket.Object) error {
		hash, ok := format.ParseBlobKey(object.Key)
		if !ok {
			c.problem(Unexpected, object.Key, "no picture has such a key")

			return nil
		}

		c.blobs[hash] = false

		return nil
	})
}

// checkBlobs checks the pictures of a chain's records.
func (s *chain) checkBlobs(ctx context.Context) error {
	for _, seq := range slices.Sorted(keys(s.records)) {
		for _, blob := range s.records[seq].record.Blobs {
			if err := s.checkBlob(ctx, seq, blob); err != nil {
				return err
			}
		}
	}

	return nil
}

// The outcomes of a blob that are no problem.
const (
	blobGood    Code = "good"
	blobExpired Code = "expired"
)

func (s *chain) checkBlob(ctx context.Context, seq int64, blob format.Blob) error {
	if !format.ValidHash(blob.SHA256) {
		return nil // The record was altered, and that is reported.
	}

	key := format.BlobKey(blob.SHA256)

	outcome, known := s.judged[blob.SHA256]
	if !known {
		hash, size, err := s.store.Hash(ctx, key)

		switch {
		case errors.Is(err, bucket.ErrNotFound):
			outcome = BlobMissing
		case err != nil:
			return err
		case hash != blob.SHA256 || size != blob.Size:
			outcome = BlobAltered
		default:
			outcome = blobGood
		}

		s.blobs[blob.SHA256] = true
	}

	// A receipt explains the records up to its date, and no later one.
	at := s.records[seq].record.At
	if (outcome == BlobMissing || outcome == blobExpired) && at < s.explained[blob.SHA256] {
		s.judged[blob.SHA256] = blobExpired

		return nil
	}

	if outcome == blobExpired {
		outcome = BlobMissing
	}

	s.judged[blob.SHA256] = outcome

	problem := Problem{Code: outcome, Key: key, Student: s.student, Seq: seq}

	switch outcome {
	case BlobMissing:
		problem.Detail = "a picture of this record is missing, and no receipt says why"
	case BlobAltered:
		problem.Detail = "a picture of this record is not what it was"
	default:
		return nil
	}

	s.report.Problems = append(s.report.Problems, problem)

	return nil
}

func (c *check) countBlobs() {
	for hash, outcome := range c.judged {
		switch outcome {
		case blobGood:
			c.report.Blobs++
		case blobExpired:
			c.report.Expired++
		}

		if outcome == blobGood && c.explained[hash] > 0 {
			c.report.Undeleted++
		}
	}

	for _, referenced := range c.blobs {
		if !referenced {
			c.report.Unreferenced++
		}
	}
}
