package vault

import (
	"context"
	"errors"

	"github.com/invigil/invigil/scoring/evidence/bucket"
)

// Create is bucket.Bucket's. An error makes Run look until it can be written.
func (v *Vault) Create(ctx context.Context, key string, data []byte) error {
	opened := v.bucket.Load()
	if opened == nil {
		return ErrAway
	}

	switch err := opened.Create(ctx, key, data); {
	case err == nil:
		v.added(key, 1)

		return nil
	case errors.Is(err, bucket.ErrExists) || errors.Is(err, context.Canceled):
		return err
	default:
		return v.fail(err)
	}
}

// Get is bucket.Bucket's.
func (v *Vault) Get(ctx context.Context, key string, limit int64) ([]byte, error) {
	opened := v.bucket.Load()
	if opened == nil {
		return nil, ErrAway
	}

	data, err := opened.Get(ctx, key, limit)
	if err != nil && !errors.Is(err, bucket.ErrNotFound) && !errors.Is(err, bucket.ErrTooLarge) {
		return nil, v.fail(err)
	}

	return data, err
}

// Exists is bucket.Bucket's.
func (v *Vault) Exists(ctx context.Context, key string) (bool, error) {
	opened := v.bucket.Load()
	if opened == nil {
		return false, ErrAway
	}

	found, err := opened.Exists(ctx, key)

	return found, v.fail(err)
}

// List is bucket.Bucket's.
func (v *Vault) List(ctx context.Context, prefix string, each func(bucket.Object) error) error {
	opened := v.bucket.Load()
	if opened == nil {
		return ErrAway
	}

	return v.fail(opened.List(ctx, prefix, each))
}

// Delete is bucket.Bucket's.
func (v *Vault) Delete(ctx context.Context, key string) error {
	opened := v.bucket.Load()
	if opened == nil {
		return ErrAway
	}

	if err := opened.Delete(ctx, key); err != nil {
		return v.fail(err)
	}

	v.added(key, -1)

	return nil
}

// Probe tries to write, as Run does. An error says why the bucket is away.
func (v *Vault) Probe(ctx context.Context) error {
	opened := v.bucket.Load()
	if opened == nil {
		return ErrAway
	}

	return v.fail(opened.Probe(ctx))
}

// fail notes an error that is the bucket's, and returns it.
func (v *Vault) fail(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}

	v.note(err)

	select {
	case v.failed <- struct{}{}:
	default:
	}

	return err
}
