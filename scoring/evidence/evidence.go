// Package evidence keeps what an exam can be judged by afterwards: a record of
// everything that happened to a student, in a chain of hashes, and the pictures
// that belong to it. Log appends, signs, seals and lets pictures expire; Writer
// puts a queue before it, so that scoring never waits for a bucket. How it is
// written down is package format, how it is checked package verify, and both are
// described in docs/evidence.md.
package evidence

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/evidence/bucket"
)

var (
	// ErrInvalid means that an entry says too little or too much. Trying again
	// does not help.
	ErrInvalid = errors.New("entry is not valid")
	// ErrSealed means that the exam's evidence is complete. Trying again does not
	// help.
	ErrSealed = errors.New("evidence is sealed")
	// ErrSealing means that a seal was begun and is not there yet; whether the
	// record counts is not known. Try again.
	ErrSealing = errors.New("evidence is being sealed")
	// ErrContended means that other writers were faster every time. Try again.
	ErrContended = errors.New("other writers append to the same student")
	// ErrConflict means that the bucket holds something else under a key where we
	// would sign, and signing it would lend it our name.
	ErrConflict = errors.New("bucket holds something else")
)

// Permanent is whether the same entry fails with err however often it is tried.
func Permanent(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrSealed) || errors.Is(err, bucket.ErrUnsafe)
}

// Store is what Log asks of a bucket. *bucket.Bucket is one, and says what each
// method promises.
type Store interface {
	Create(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string, limit int64) ([]byte, error)
	Exists(ctx context.Context, key string) (bool, error)
	List(ctx context.Context, prefix string, each func(bucket.Object) error) error
	Delete(ctx context.Context, key string) error
}

// defaultCheckpointEvery bounds what can be rewritten unseen in an exam that is
// not sealed yet, at one signed object per so many records.
const defaultCheckpointEvery = 16

// How much Log reads at once, and of one object. An object of ours is far below:
// the largest, a seal of 5,000 students, has 1.1 MiB.
const (
	readers     = 8
	objectLimit = 4 << 20
)

// Options of a Log.
type Options struct {
	// Exam as <namespace>/<name>, the same in every record.
	Exam string
	// Key signs checkpoints, seal and receipts.
	Key ed25519.PrivateKey
	// CheckpointEvery so many records of a student a checkpoint is signed.
	// Default: 16.
	CheckpointEvery int64
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Log is told what Append does not return: a checkpoint that failed.
	Log *zap.Logger
}

// Log is the evidence of one exam. Its methods may be called at once, also by
// several processes on one bucket.
type Log struct {
	store   Store
	options Options
	// sealed is what the seal says, once this process has seen it.
	sealed atomic.Pointer[seal]

	mu     sync.Mutex
	chains map[string]*chain
}

// New returns the log over a bucket, which should have passed bucket.Probe.
// Nothing is read yet. Errors: the key or the exam's name is missing.
func New(store Store, options Options) (*Log, error) {
	if len(options.Key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("evidence: the signing key has %d bytes, an Ed25519 key has %d",
			len(options.Key), ed25519.PrivateKeySize)
	}

	if !examName.MatchString(options.Exam) {
		return nil, fmt.Errorf("evidence: %q is no name of an exam", options.Exam)
	}

	if options.CheckpointEvery <= 0 {
		options.CheckpointEvery = defaultCheckpointEvery
	}

	if options.Now == nil {
		options.Now = time.Now
	}

	if options.Log == nil {
		options.Log = zap.NewNop()
	}

	return &Log{store: store, options: options, chains: map[string]*chain{}}, nil
}

func (l *Log) now() int64 { return l.options.Now().UnixMilli() }

// chain returns a student's chain, which is read when it is first used.
func (l *Log) chain(student string) *chain {
	l.mu.Lock()
	defer l.mu.Unlock()

	c := l.chains[student]
	if c == nil {
		c = &chain{log: l, student: student, turn: make(chan struct{}, 1)}
		l.chains[student] = c
	}

	return c
}
