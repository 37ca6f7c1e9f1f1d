// Package vault is the bucket of one exam's evidence as scoring needs it: it may
// be away, at the start as well, and nobody waits for it. Until it could be opened
// and has passed bucket.Probe every operation fails with ErrAway, which an
// evidence.Writer takes for a reason to try again; then it counts what is in it.
package vault

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// ErrAway means that the bucket was not opened yet, or not found safe.
var ErrAway = errors.New("evidence bucket is away")

const (
	// probeTimeout is for one attempt to open the bucket, countTimeout for counting
	// what is in it: 1,000 objects are one request.
	probeTimeout = 15 * time.Second
	countTimeout = 5 * time.Minute
	// backoff before the second attempt; it doubles up to backoffMax.
	backoff    = 200 * time.Millisecond
	backoffMax = 15 * time.Second
)

// Vault is an evidence.Store. Run makes it work, Close ends it.
type Vault struct {
	url string
	log *zap.Logger
	up  prometheus.Gauge
	// bucket is nil until it is trusted.
	bucket atomic.Pointer[bucket.Bucket]
	// records and pictures that are in it: those that were there, and what this
	// process added and deleted since.
	records, pictures atomic.Int64
	// failed has room for one: Run is to look.
	failed chan struct{}

	mu      sync.Mutex
	failing string
}

// New returns a vault over the bucket that package bucket opens by the URL.
func New(url string, log *zap.Logger) *Vault {
	return &Vault{
		url: url, log: log, failed: make(chan struct{}, 1), failing: "not opened yet",
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "invigil", Subsystem: "scoring_evidence", Name: "bucket_up",
			Help: "1 while the bucket can be written.",
		}),
	}
}

// Up is 1 while the bucket can be written.
func (v *Vault) Up() prometheus.Collector { return v.up }

// State of the bucket.
type State struct {
	// Records and Pictures that are in it.
	Records, Pictures int64
	// Failing is why it cannot be written, for people; "" if it can.
	Failing string
}

// State is how the bucket does now.
func (v *Vault) State() State {
	v.mu.Lock()
	defer v.mu.Unlock()

	return State{Records: v.records.Load(), Pictures: v.pictures.Load(), Failing: v.failing}
}

// Open is whether the bucket was opened and found safe. It stays so.
func (v *Vault) Open() bool { return v.bucket.Load() != nil }

// Run opens the bucket, and looks whether it is back when it fails, until ctx
// ends.
func (v *Vault) Run(ctx context.Context) {
	wait := backoff

	for {
		err := v.check(ctx)
		if ctx.Err() != nil {
			return
		}

		if v.note(err); err == nil {
			wait = backoff

			select {
			case <-ctx.Done():
				return
			case <-v.failed:
			}
		}

		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}

		wait = min(2*wait, backoffMax)
	}
}

// check tries to write, after opening the bucket if it is not open.
func (v *Vault) check(ctx context.Context) error {
	probing, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()

	if opened := v.bucket.Load(); opened != nil {
		return opened.Probe(probing)
	}

	opened, err := bucket.Open(probing, v.url)
	if err != nil {
		return err
	}

	if err = opened.Probe(probing); err == nil {
		// Before anything is written, or it would be counted twice.
		err = v.count(ctx, opened)
	}

	if err != nil {
		return errors.Join(err, opened.Close())
	}

	v.bucket.Store(opened)

	return nil
}

func (v *Vault) count(ctx context.Context, opened *bucket.Bucket) error {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()

	for prefix, number := range v.counters() {
		found := int64(0)

		err := opened.List(ctx, prefix, func(bucket.Object) error {
			found++

			return nil
		})
		if err != nil {
			return err
		}

		number.Store(found)
	}

	return nil
}

func (v *Vault) counters() map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{format.Records: &v.records, format.Blobs: &v.pictures}
}

func (v *Vault) added(key string, n int64) {
	switch {
	case strings.HasPrefix(key, format.Records):
		v.records.Add(n)
	case strings.HasPrefix(key, format.Blobs):
		v.pictures.Add(n)
	}
}

// note takes the outcome of an attempt to write.
func (v *Vault) note(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()

	before := v.failing
	v.failing = ""

	if err != nil {
		v.failing = err.Error()
	}

	switch {
	case err == nil && before != "":
		v.up.Set(1)
		v.log.Info("evidence is recorded")
	case err != nil && before != v.failing:
		v.up.Set(0)
		v.log.Warn("evidence waits for its bucket", zap.Error(err))
	}
}

// Close lets go of the bucket. Nothing may be asked of it any more.
func (v *Vault) Close() error {
	if opened := v.bucket.Load(); opened != nil {
		return opened.Close()
	}

	return nil
}
