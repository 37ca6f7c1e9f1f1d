// Package bucket is the few things that evidence asks of a bucket: create what
// is not there, read, list, delete. What a bucket acknowledged survives a crash,
// and of two that create the same key one is told.
//
// A folder (file:///data/algebra) is written by this package itself, because
// gocloud.dev's driver checks and renames in two steps, so two writers can both
// succeed, and does not sync. Anything else (s3://bucket?region=...) uses
// gocloud.dev's conditional put, which Probe tests.
package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // s3://
	"gocloud.dev/gcerrors"
)

var (
	// ErrExists means that the key is taken, and nothing was written.
	ErrExists = errors.New("object exists")
	// ErrNotFound means that nothing stands under the key.
	ErrNotFound = errors.New("object not found")
	// ErrTooLarge means that an object is larger than the caller reads.
	ErrTooLarge = errors.New("object is too large")
	// ErrUnsafe means that the bucket cannot tell two writers apart, so nothing
	// may be appended to it.
	ErrUnsafe = errors.New("bucket has no safe conditional put")
)

// Object is one entry of a listing.
type Object struct {
	Key string
	// Size in bytes.
	Size int64
	// Modified is when it was written, by the bucket's clock.
	Modified time.Time
}

// Bucket is one exam's bucket, or the part of one under a prefix.
type Bucket struct {
	blobs  *blob.Bucket
	create func(ctx context.Context, key string, data []byte) error
}

// Open opens a bucket by its URL: file:///folder, which must exist, or what
// gocloud.dev takes: s3://name?region=eu-central-1&prefix=algebra/, with
// credentials from the environment.
func Open(ctx context.Context, address string) (*Bucket, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}

	if parsed.Scheme == "file" {
		return openFolder(parsed)
	}

	blobs, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}

	b := &Bucket{blobs: blobs}
	b.create = b.put

	return b, nil
}

// Close lets go of the bucket.
func (b *Bucket) Close() error { return b.blobs.Close() }

// Probe creates an object twice and wants the second time to fail. A writer
// calls it before it trusts a bucket: some S3 servers take the condition and
// ignore it. Errors: ErrUnsafe, or what the bucket says.
func (b *Bucket) Probe(ctx context.Context) error {
	key := "probe/" + rand.Text()

	if err := b.Create(ctx, key, []byte("first")); err != nil {
		return err
	}

	err := b.Create(ctx, key, []byte("second"))

	if gone := b.Delete(ctx, key); gone != nil {
		return gone
	}

	switch {
	case err == nil:
		return fmt.Errorf("%w: it overwrote an object that was to be created", ErrUnsafe)
	case errors.Is(err, ErrExists):
		return nil
	default:
		return err
	}
}

// Create writes data under a new key. Errors: ErrExists, or what the bucket
// says; after the latter the object may be there or not.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) error {
	return b.create(ctx, key, data)
}

func (b *Bucket) put(ctx context.Context, key string, data []byte) error {
	err := b.blobs.WriteAll(ctx, key, data, &blob.WriterOptions{
		IfNotExist:                  true,
		ContentType:                 contentType(key),
		DisableContentTypeDetection: true,
	})

	return explain(key, err)
}

// Get returns the object, if it has at most limit bytes. Errors: ErrNotFound,
// ErrTooLarge, or what the bucket says.
func (b *Bucket) Get(ctx context.Context, key string, limit int64) ([]byte, error) {
	reader, err := b.blobs.NewReader(ctx, key, nil)
	if err != nil {
		return nil, explain(key, err)
	}
	defer reader.Close()

	if reader.Size() > limit {
		return nil, fmt.Errorf("%s: %w: %d bytes, at most %d are read", key, ErrTooLarge, reader.Size(), limit)
	}

	var data bytes.Buffer
	if _, err := io.Copy(&data, io.LimitReader(reader, limit)); err != nil {
		return nil, explain(key, err)
	}

	return data.Bytes(), nil
}

// Hash returns an object's SHA-256 in hex and its size, whatever that is, in
// little memory. Errors: as Get.
func (b *Bucket) Hash(ctx context.Context, key string) (hash string, size int64, err error) {
	reader, err := b.blobs.NewReader(ctx, key, nil)
	if err != nil {
		return "", 0, explain(key, err)
	}
	defer reader.Close()

	sum := sha256.New()
	if size, err = io.Copy(sum, reader); err != nil {
		return "", 0, explain(key, err)
	}

	return hex.EncodeToString(sum.Sum(nil)), size, nil
}

// Exists is whether something stands under the key.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	found, err := b.blobs.Exists(ctx, key)

	return found, explain(key, err)
}

// List calls each for every object whose key begins with prefix. It ends with
// the first error, which it returns.
func (b *Bucket) List(ctx context.Context, prefix string, each func(Object) error) error {
	iterator := b.blobs.List(&blob.ListOptions{Prefix: prefix})

	for {
		object, err := iterator.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil {
			return explain(prefix, err)
		}

		if err := each(Object{Key: object.Key, Size: object.Size, Modified: object.ModTime}); err != nil {
			return err
		}
	}
}

// Delete removes an object. None being there is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := explain(key, b.blobs.Delete(ctx, key))
	if errors.Is(err, ErrNotFound) {
		return nil
	}

	return err
}

// explain gives a driver's error one of ours to be recognised by.
func explain(key string, err error) error {
	var coded interface{ ErrorCode() string }

	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound:
		return fmt.Errorf("%s: %w", key, ErrNotFound)
	case gcerrors.Code(err) == gcerrors.FailedPrecondition,
		// S3 says so to one of two that create at the same moment; who looks again
		// finds the other's object, or nothing and tries again.
		errors.As(err, &coded) && coded.ErrorCode() == "ConditionalRequestConflict":
		return fmt.Errorf("%s: %w", key, ErrExists)
	default:
		return fmt.Errorf("evidence bucket: %s: %w", key, err)
	}
}
