// Package scoring runs the exam's one public door: it admits students, takes and
// scores their pages' reports, passes their media's signalling on to the SFU
// pods, and tells the operator how every session does. docs/scoring.md describes
// it; the packages below hold one part each, and this one puts them together.
package scoring

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/mounted"
	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/metrics"
)

// Options are everything that Run needs. Files are followed.
type Options struct {
	ConfigFile string
	ShardsFile string
	LinkKey    ed25519.PublicKey
	SessionKey ed25519.PrivateKey
	Redis      redis.UniversalClient
	// JournalDir is where the store's journal outlives the process; "": nowhere.
	JournalDir string
	// Evidence is where the exam's evidence goes; nil: nothing is recorded.
	Evidence *Evidence
	// FaceModel is where the model for the page's second engine is: a file, or a
	// folder with its parts 0, 1 and so on; "": nowhere.
	FaceModel string
	// Page is the built web client.
	Page fs.FS
	// Public and Internal are the two servers' listeners. Run closes them.
	Public   net.Listener
	Internal net.Listener
	Log      *zap.Logger
	Registry *prometheus.Registry
	// Now is the clock of everything that is stored, signed or scheduled; nil
	// means the system's. Time-outs use the system's clock always.
	Now func() time.Time
	// Limits are per session; zero fields mean the defaults.
	Limits exam.Limits
	// Tiles are the numbers of the invigilators' wall; without SlotsPerShard they are
	// DefaultTiles.
	Tiles wire.TileLimits
	// Door is what a client may take of the public server.
	Door Door
	// ShardSilence, PingInterval and WriteTimeout: 0 means the defaults.
	ShardSilence time.Duration
	PingInterval time.Duration
	WriteTimeout time.Duration
}

// DefaultTiles are for a wall of some dozens of tiles on a laptop: a pod has 25 of
// them at a time, and rows above and below what is in sight are warm.
func DefaultTiles() wire.TileLimits {
	return wire.TileLimits{
		SlotsPerShard: 25, Warm: 12, OffscreenGraceMs: 45_000, AttachTimeoutMs: 6_000, AttachRetries: 2,
	}
}

// Evidence is where an exam's evidence goes.
type Evidence struct {
	// URL of the bucket, as scoring/evidence/bucket opens it.
	URL string
	// Key signs.
	Key ed25519.PrivateKey
	// Random is uniform in [0, 1), and says when pictures are taken at random
	// moments; nil: nobody can foresee it.
	Random func() float64
	// UploadWait is how long the answer to a page's picture waits for the bucket; 0: 2 s.
	UploadWait time.Duration
}

// process is what changes once the configuration is read.
type process struct {
	options Options
	metrics *metrics.Set
	// service is nil until then.
	service atomic.Pointer[service]
}

var errNotConfigured = errors.New("the configuration is not read yet")

// Run works until ctx ends. Then it closes the sockets, lets requests finish,
// and returns nil.
func Run(ctx context.Context, options Options) error {
	if options.Now == nil {
		options.Now = time.Now
	}

	if options.Tiles.SlotsPerShard == 0 {
		options.Tiles = DefaultTiles()
	}

	p := &process{options: options, metrics: metrics.New(options.Registry)}
	group, ctx := errgroup.WithContext(ctx)

	internal := http.NewServeMux()
	telemetry.RegisterAdmin(internal, options.Registry, p.ready)
	internal.HandleFunc("GET /internal/v1/sessions", p.sessions)

	group.Go(func() error { return httpapi.Serve(ctx, options.Internal, internal) })
	group.Go(func() error { return p.serveDoor(ctx) })
	group.Go(func() error {
		// The service outlives Follow: its sockets are closed at the end.
		mounted.Follow(ctx, options.ConfigFile,
			func(data []byte) error { return p.configure(ctx, group, data) },
			func(err error) { options.Log.Warn("configuration is not followed", zap.Error(err)) })

		return nil
	})

	err := group.Wait()
	if s := p.service.Load(); s != nil {
		s.close() //nolint:contextcheck // ctx has ended, and what waits for evidence is written for a while
	}

	return err
}

// configure reads exam.json: the first time it makes the service, later the
// service follows.
func (p *process) configure(ctx context.Context, group *errgroup.Group, data []byte) error {
	var config wire.ExamConfig
	if err := json.Unmarshal(data, &config); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}

	if s := p.service.Load(); s != nil {
		if err := s.configure(ctx, config); err != nil {
			return err
		}

		p.options.Log.Info("configuration has changed", zap.Int("students", len(config.Students)),
			zap.String("policy", config.Policy.Version))

		return nil
	}

	//nolint:contextcheck // it lives until close, past ctx: sockets are closed at the end
	s, err := newService(config, p.options, p.metrics)
	if err != nil {
		return err
	}

	s.start(ctx, group)
	p.service.Store(s)
	p.options.Log.Info("scoring is ready", zap.String("exam", config.Namespace+"/"+config.Name),
		zap.Int("students", len(config.Students)), zap.String("policy", config.Policy.Version))

	return nil
}

func (p *process) ready() error {
	if p.service.Load() == nil {
		return errNotConfigured
	}

	return nil
}

func (p *process) public(w http.ResponseWriter, r *http.Request) {
	if s := p.service.Load(); s != nil {
		s.public.ServeHTTP(w, r)

		return
	}

	notReady(w)
}

func (p *process) sessions(w http.ResponseWriter, r *http.Request) {
	if s := p.service.Load(); s != nil {
		s.sessions.ServeHTTP(w, r)

		return
	}

	notReady(w)
}

func notReady(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The configuration is not read yet.")
}
