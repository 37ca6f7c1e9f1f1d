// Package witness puts on record what happens to students: what the tracker
// counts, sees and is told to do, and pictures of it, the SFU's and the page's.
// It never makes scoring wait for the bucket: what is said to it is queued, and
// what the queue does not take is counted and, as far as the store keeps it, made
// good later. At the exam's end it seals the evidence, and lets pictures expire
// when their time has come. docs/evidence.md describes what it writes.
package witness

import (
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/witness/frames"
	"github.com/invigil/invigil/scoring/witness/vault"
)

// Options are the parts of a Witness.
type Options struct {
	// URL of the bucket, as package bucket opens it.
	URL string
	// Exam as <namespace>/<name>.
	Exam string
	// Key signs.
	Key     ed25519.PrivateKey
	Tracker *session.Tracker
	// Students are the ids of the roster.
	Students func() []string
	// KeyFrame asks a pod for a picture, as shards.Watcher does.
	KeyFrame func(ctx context.Context, shard, student string, maxAgeMs int) (shards.KeyFrame, error)
	Now      func() time.Time
	Log      *zap.Logger
	Registry *prometheus.Registry
	// Random is uniform in [0, 1); nil: rand.Float64, which nobody can foresee.
	Random func() float64
	// Tick is how often time is looked at. 0: 1 s.
	Tick time.Duration
	// UploadWait is how long the answer to an upload waits for the bucket. 0: 2 s.
	UploadWait time.Duration
}

const (
	// queueEntries is how much may wait for the bucket: at an exam's end everybody's
	// state changes at once. statesUpTo is what of it changes of state may take: the
	// rest is for violations and actions.
	queueEntries = 32_768
	statesUpTo   = 24_576
)

// Witness records one exam. It is a session.Recorder.
type Witness struct {
	options Options
	log     *zap.Logger
	vault   *vault.Vault
	chains  *evidence.Log
	writer  *evidence.Writer
	frames  *frames.Taker
	metrics metrics
	uploads *uploads
	// readings bounds what is read for people.
	readings readings

	// config says whether anything is recorded; nil: nothing.
	config atomic.Pointer[wire.EvidenceConfig]
	// streams is the SFU's view, which is replaced and never changed.
	streams atomic.Pointer[map[string]session.Stream]
	// leaving: scoring ends, and what students' states change to is our doing.
	leaving atomic.Bool
	// sealed: nothing is taken any more.
	sealed atomic.Bool

	mu sync.Mutex
	// owed are students of whom the chain may lack something that the store keeps.
	owed map[string]bool
	end  ending
}

// New returns a witness; Run makes it work. Error: the key or the exam's name is
// missing.
func New(options Options) (*Witness, error) {
	if options.Random == nil {
		options.Random = rand.Float64
	}

	if options.Tick == 0 {
		options.Tick = time.Second
	}

	if options.UploadWait == 0 {
		options.UploadWait = uploadWait
	}

	w := &Witness{
		options: options, log: options.Log, vault: vault.New(options.URL, options.Log),
		uploads: newUploads(options.Now), readings: newReadings(), owed: map[string]bool{},
	}

	var err error

	w.chains, err = evidence.New(w.vault, evidence.Options{
		Exam: options.Exam, Key: options.Key, Now: options.Now, Log: options.Log,
	})
	if err != nil {
		return nil, err
	}

	w.metrics = newMetrics(options.Registry)
	w.frames = frames.New(frames.Options{
		Shard: w.shard, Fetch: options.KeyFrame, Done: w.framed, Registerer: options.Registry,
	})
	w.writer = evidence.NewWriter(w.chains, evidence.WriterOptions{Entries: queueEntries, Failed: w.failed})
	options.Registry.MustRegister(w.writer, w.vault.Up())

	return w, nil
}

// Configure says what is recorded from now on; nil: nothing.
func (w *Witness) Configure(config *wire.EvidenceConfig) {
	w.config.Store(config)
	w.options.Tracker.SetEvidence(w.status())
}

// Records is whether anything is recorded.
func (w *Witness) Records() bool { return w.config.Load() != nil }

// Streams takes the SFU's view of all students. The map must not be changed any
// more.
func (w *Witness) Streams(streams map[string]session.Stream) { w.streams.Store(&streams) }

// shard is the pod that receives a student; "" if none does.
func (w *Witness) shard(student string) string {
	if streams := w.streams.Load(); streams != nil {
		if stream := (*streams)[student]; stream.Receiving {
			return stream.Shard
		}
	}

	return ""
}

// Run works until ctx ends.
func (w *Witness) Run(ctx context.Context) {
	var group sync.WaitGroup

	group.Go(func() { w.vault.Run(ctx) })
	group.Go(func() { w.frames.Run(ctx) })
	group.Go(func() { w.every(ctx, w.look) })
	group.Go(func() { w.every(ctx, w.tend) })
	group.Wait()
}

// every calls work once a tick until ctx ends. elapsed is since the last time.
func (w *Witness) every(ctx context.Context, work func(ctx context.Context, elapsed time.Duration)) {
	ticker := time.NewTicker(w.options.Tick)
	defer ticker.Stop()

	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := time.Now()
			work(ctx, now.Sub(last))
			last = now
		}
	}
}

// look is what must not wait for the bucket.
func (w *Witness) look(_ context.Context, elapsed time.Duration) {
	w.options.Tracker.SetEvidence(w.status())
	w.check(elapsed)
	w.uploads.forget()
}

// tend is what does.
func (w *Witness) tend(ctx context.Context, _ time.Duration) {
	if w.config.Load() == nil || !w.vault.Open() {
		return
	}

	w.repay(ctx)
	w.finish(ctx)
}

// Leave is called before scoring closes its students' sockets at its own end:
// what their states change to from then on is not theirs, and not on record.
func (w *Witness) Leave() { w.leaving.Store(true) }

// Close writes what waits until ctx ends, and lets go of the bucket. Nothing may
// be asked of the witness any more.
func (w *Witness) Close(ctx context.Context) {
	if err := w.writer.Close(ctx); err != nil {
		w.log.Warn("what the store keeps of it is recorded after the next start", zap.Error(err))
	}

	if err := w.vault.Close(); err != nil {
		w.log.Warn("evidence bucket", zap.Error(err))
	}
}
