// Package sfu is Invigil's media plane: students publish their cameras to it
// with WHIP, and invigilators view them. It knows streams, and neither exams nor Redis nor Kubernetes; what
// it must know of the cluster is in two files.
package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/mounted"
	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/tracing"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/media"
	"github.com/invigil/invigil/sfu/picture"
	"github.com/invigil/invigil/sfu/session"
	"github.com/invigil/invigil/sfu/signal"
	"github.com/invigil/invigil/sfu/streams"
	"github.com/invigil/invigil/sfu/view"
)

// Config is what a server is started with.
type Config struct {
	// Name of the pod, its shard.
	Name string
	// Exam is <namespace>/<name>.
	Exam string
	// ShardsFile is shards.json, followed while the server runs.
	ShardsFile string
	// SessionKeyFile is session.pub, read once.
	SessionKeyFile string
	// HTTPAddress and MediaAddress are listened on, TCP and UDP.
	HTTPAddress, MediaAddress string
	// IceServersFile is ice-servers.json, what peers may use to reach the pod;
	// followed, and "" if there is none.
	IceServersFile string
	Sessions       session.Options
	Viewers        view.Options
	Media          media.Options
	// DrainTimeout is how long publishers have to move after Run's context ends.
	DrainTimeout time.Duration
}

// DefaultConfig has everything that has a default.
func DefaultConfig() Config {
	timing := session.DefaultTiming()

	return Config{
		Sessions: session.Options{Limit: 1000, Duplicate: session.TakeOver, Timing: timing},
		Viewers: view.Options{
			Limit: 100, MaxSlots: 64,
			Timing: view.Timing{Offer: 10 * time.Second, Connect: timing.Connect, Silence: timing.Silence},
		},
		Media:        media.DefaultOptions(),
		DrainTimeout: 20 * time.Second,
	}
}

// shutdownTimeout is how long sessions may take to be released at the end.
const shutdownTimeout = 3 * time.Second

// Errors of readiness.
var (
	errNoAddress = errors.New("no media address to announce yet")
	errDraining  = errors.New("draining")
)

// Server is one SFU pod.
type Server struct {
	config   Config
	logger   *zap.Logger
	engine   *media.Engine
	listener net.Listener
	sessions *session.Table
	viewers  *view.Table
	own      *announce.Addresses
	servers  iceServers
	handler  http.Handler
	registry *prometheus.Registry
	draining chan struct{}
	drain    sync.Once
}

// Listen opens the server's ports. Run must follow.
func Listen(ctx context.Context, config Config, logger *zap.Logger) (*Server, error) {
	data, err := os.ReadFile(config.SessionKeyFile)
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}

	key, err := token.ParsePublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}

	engine, err := media.Listen(config.MediaAddress, config.Media, logger.Named("media"))
	if err != nil {
		return nil, err
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.HTTPAddress)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for HTTP: %w", err), engine.Close())
	}

	s := &Server{
		config:   config,
		logger:   logger,
		engine:   engine,
		listener: listener,
		sessions: session.NewTable(engine, config.Sessions, logger),
		viewers:  view.NewTable(engine, config.Viewers, logger),
		draining: make(chan struct{}),
		registry: telemetry.NewRegistry(),
	}
	engine.OnWanted(s.sessions.Touch)
	s.own = announce.NewAddresses(config.Name, func(addresses []netip.AddrPort) {
		logger.Info("announced addresses changed", zap.Stringers("addresses", addresses))
		// Readiness is part of what the streams' readers are told.
		s.sessions.Touch()
	})
	s.handler = s.routes(token.NewVerifier(key, config.Exam, time.Now))

	return s, nil
}

func (s *Server) routes(verifier *token.Verifier) http.Handler {
	pictures := picture.NewHandler(verifier, s.sessions, picture.Render, s.logger)
	s.registry.MustRegister(s.sessions, s.viewers, s.engine, pictures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "invigil_sfu_ready",
		Help: "1 while students can publish here.",
	}, func() float64 {
		if s.Ready() == nil {
			return 1
		}

		return 0
	}))

	mux := http.NewServeMux()
	telemetry.RegisterAdmin(mux, s.registry, s.Ready)

	options := signal.Options{
		Shard:      s.config.Name,
		Verifier:   verifier,
		Announced:  s.own.Current,
		IceServers: s.servers.current,
		Logger:     s.logger,
	}
	signal.RegisterWHIP(mux, options, s.sessions)
	signal.RegisterWHEP(mux, options, s.viewers)
	(&view.Handler{
		Shard:     s.config.Name,
		Verifier:  verifier,
		Announced: s.own.Current,
		Draining:  s.draining,
		Table:     s.viewers,
		Logger:    s.logger,
	}).Register(mux)
	(&streams.Handler{
		Shard:    s.config.Name,
		Verifier: verifier,
		Source:   s.sessions,
		Ready:    s.Ready,
	}).Register(mux)
	(&drainHandler{verifier: verifier, drain: s.Drain}).Register(mux)
	pictures.Register(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "There is no such page.")
	})

	return mux
}

// spanName is what the span of a request is called: long polls and sockets have
// none.
func spanName(r *http.Request) string {
	switch door, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); door {
	case "whip", "whep":
		return "sfu " + door
	default:
		return ""
	}
}

// Metrics is what all of the server's metrics are registered with.
func (s *Server) Metrics() *prometheus.Registry { return s.registry }

// HTTPAddr is the address that HTTP is served on.
func (s *Server) HTTPAddr() net.Addr { return s.listener.Addr() }

// MediaAddr is the address that media arrives at.
func (s *Server) MediaAddr() net.Addr { return s.engine.Addr() }

// Ready returns nil while students can publish here.
func (s *Server) Ready() error {
	switch {
	case s.sessions.Draining():
		return errDraining
	case len(s.own.Current()) == 0:
		return errNoAddress
	default:
		return nil
	}
}

// Drain takes no publishers any more, has those who are there told to move, and
// ends those who have not within the timeout. It returns how many are left.
func (s *Server) Drain(timeout time.Duration) (left int) {
	left = s.sessions.Drain(time.Now().Add(timeout))

	s.drain.Do(func() {
		s.logger.Info("draining", zap.Duration("timeout", timeout), zap.Int("sessions", left))
		close(s.draining)
	})

	return left
}

// Run serves until ctx ends. Then it drains, ends all sessions that are left, and
// returns when everything is released.
func (s *Server) Run(ctx context.Context) error {
	// HTTP goes on while the pod drains, so that its streams can be asked for.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()

	var (
		background sync.WaitGroup
		serveErr   error
	)

	failed := make(chan struct{})

	background.Go(func() {
		mounted.Follow(serving, s.config.ShardsFile, s.own.Apply, func(err error) {
			s.logger.Warn("shards file", zap.Error(err))
		})
	})
	background.Go(func() { s.servers.follow(serving, s.config.IceServersFile, s.logger) })
	background.Go(func() { s.sessions.Watch(serving) })
	background.Go(func() { s.endDrained(serving) })
	background.Go(func() { s.sessions.Sample(serving) })
	background.Go(func() {
		defer close(failed)

		serveErr = httpapi.Serve(serving, s.listener, tracing.Serve(s.handler, true, spanName))
	})

	s.logger.Info("serving", zap.Stringer("http", s.HTTPAddr()), zap.Stringer("media", s.MediaAddr()))

	select {
	case <-ctx.Done():
		s.awaitDrained(ctx)
	case <-failed:
	}

	s.logger.Info("shutting down")

	ended := s.endSessions(ctx)

	stop()
	background.Wait()

	return errors.Join(serveErr, ended, s.engine.Close())
}

// endDrained ends the viewers of a drained pod once nobody publishes any more:
// nothing is left for them here.
func (s *Server) endDrained(ctx context.Context) {
	select {
	case <-s.draining:
	case <-ctx.Done():
		return
	}

	if s.sessions.Emptied(ctx) == nil {
		s.viewers.Shutdown()
	}
}

// awaitDrained drains, and returns when nobody publishes any more.
func (s *Server) awaitDrained(ctx context.Context) {
	s.Drain(s.config.DrainTimeout)

	if s.config.DrainTimeout == 0 {
		return
	}

	// ctx is over, and draining takes its time.
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.DrainTimeout)
	defer cancel()

	if s.sessions.Emptied(draining) != nil {
		s.sessions.EndOverdue(time.Now())
	}
}

func (s *Server) endSessions(ctx context.Context) error {
	// ctx is over, and releasing needs a moment.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()

	err := s.sessions.Shutdown(grace)
	s.viewers.Shutdown()

	return err
}
