package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
)

// purge deletes the pictures of an exam for which nothing runs any more.
func purge(ctx context.Context, f flags, log *zap.Logger) error {
	key, err := readKey(f.evidenceKey, token.ParsePrivateKey)
	if err != nil {
		return err
	}

	opened, err := bucket.Open(ctx, f.evidence)
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	defer opened.Close()

	// Receipts must not overwrite what is there.
	if err := opened.Probe(ctx); err != nil {
		return fmt.Errorf("probe the bucket: %w", err)
	}

	chains, err := evidence.New(opened, evidence.Options{Exam: f.purge, Key: key, Now: time.Now, Log: log})
	if err != nil {
		return err
	}

	gone, err := chains.Purge(ctx)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}

	log.Info("pictures are deleted", zap.Int("pictures", gone.Blobs), zap.Int64("bytes", gone.Bytes),
		zap.Strings("receipts", gone.Receipts), zap.Strings("unreadable", gone.Unreadable))

	return nil
}
