package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// chain is what this process knows of a student's records. Another process may
// know more: the bucket says so when a key is taken.
type chain struct {
	log     *Log
	student string
	// turn is a lock whose waiting can be given up.
	turn chan struct{}

	loaded bool
	// seq and head are the last record's; 0 and "" without one.
	seq  int64
	head string
	// signed is the last record with a checkpoint.
	signed int64
	// ids are the records' ids, that of seq 1 first; "" where there is no record. A
	// student has some dozens: ten thousand maps would cost more than the search.
	ids []string
}

// seqOf is the record that has an id.
func (c *chain) seqOf(id string) (seq int64, known bool) {
	at := slices.Index(c.ids, id)

	return int64(at) + 1, at >= 0 && id != ""
}

func (c *chain) lock(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *chain) unlock() { <-c.turn }

func (c *chain) add(seq int64, id string, raw []byte) {
	c.seq, c.head = seq, format.Hash(raw)
	c.ids = append(c.ids, id)
}

// load reads the whole chain once: only that says which ids are on record. It
// does not judge what it reads, because evidence goes on being taken when
// somebody has been at the bucket; verification tells.
func (c *chain) load(ctx context.Context) error {
	if c.loaded {
		return nil
	}

	// A process that starts after the seal knows so before it appends.
	if _, err := c.log.sealedBy(ctx); err != nil {
		return err
	}

	var last int64

	err := c.log.store.List(ctx, format.Records+c.student+"/", func(object bucket.Object) error {
		if _, seq, ok := format.ParseSeqKey(format.Records, object.Key); ok {
			last = max(last, seq)
		}

		return nil
	})
	if err != nil {
		return err
	}

	if err := c.read(ctx, last); err != nil {
		return err
	}

	if err := c.loadCheckpoints(ctx); err != nil {
		return err
	}

	c.loaded = true

	return nil
}

// read takes in records 1 to last.
func (c *chain) read(ctx context.Context, last int64) error {
	ids := make([]string, last)

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)

	for seq := int64(1); seq <= last; seq++ {
		group.Go(func() error {
			raw, err := c.log.store.Get(ctx, format.RecordKey(c.student, seq), objectLimit)
			if errors.Is(err, bucket.ErrNotFound) {
				return nil // A gap. The chain goes on behind it.
			}

			if err != nil {
				return err
			}

			if seq == last {
				c.head = format.Hash(raw)
			}

			ids[seq-1] = idOf(raw)

			return nil
		})
	}

	if err := group.Wait(); err != nil {
		return err
	}

	c.seq, c.ids = last, ids

	return nil
}

// follow takes in what other writers appended since.
func (c *chain) follow(ctx context.Context) error {
	for {
		raw, err := c.log.store.Get(ctx, format.RecordKey(c.student, c.seq+1), objectLimit)
		if errors.Is(err, bucket.ErrNotFound) {
			return nil
		}

		if err != nil {
			return err
		}

		c.add(c.seq+1, idOf(raw), raw)
	}
}

// idOf is the id in a record; "" if it is no record.
func idOf(raw []byte) string {
	var record format.Record
	if json.Unmarshal(raw, &record) != nil {
		return ""
	}

	return record.ID
}

// loadCheckpoints finds the last checkpoint, and signs it if a crash came between
// it and its signature.
func (c *chain) loadCheckpoints(ctx context.Context) error {
	signatures := map[int64]bool{}

	err := c.log.store.List(ctx, format.Checkpoints+c.student+"/", func(object bucket.Object) error {
		key, isSignature := cutSignature(object.Key)
		if _, seq, ok := format.ParseSeqKey(format.Checkpoints, key); ok {
			signatures[seq] = signatures[seq] || isSignature
		}

		return nil
	})
	if err != nil {
		return err
	}

	for seq, signed := range signatures {
		if !signed && seq <= c.seq {
			if err := c.checkpointAt(ctx, seq); err != nil {
				c.log.options.Log.Warn("a checkpoint stays unsigned", zap.String("student", c.student), zap.Int64("seq", seq),
					zap.Error(err))
			}
		}

		c.signed = max(c.signed, min(seq, c.seq))
	}

	return nil
}

// settle asks whether a record that is in the bucket counts. It does, unless a
// seal was made without it: then it goes, and ErrSealed is returned.
func (c *chain) settle(ctx context.Context, seq int64) error {
	sealed, err := c.log.sealedBy(ctx)
	if err != nil || sealed == nil || seq <= sealed.seqs[c.student] {
		return err
	}

	if err := c.log.store.Delete(ctx, format.RecordKey(c.student, seq)); err != nil {
		return fmt.Errorf("%w, and a record stays behind the seal: %w", ErrSealed, err)
	}

	c.loaded = false // What is there now is read again.

	return ErrSealed
}
