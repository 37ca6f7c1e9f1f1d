// Package sfu is Invigil's media plane: students publish their cameras to it
// with WHIP. It knows streams, and neither exams nor Redis nor Kubernetes; what
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/mounted"
	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/picture"
	"github.com/invigil/invigil/sfu/session"
	"github.com/invigil/invigil/sfu/streams"
	"github.com/invigil/invigil/sfu/transport"
	"github.com/invigil/invigil/sfu/whip"
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
	// MaxSessions is how many publishers there may be.
	MaxSessions int
	Timing      session.Timing
}

// shutdownTimeout is how long sessions may take to be released at the end.
const shutdownTimeout = 3 * time.Second

// Errors of readiness.
var (
	errNoAddress    = errors.New("no media address to announce yet")
	errShuttingDown = errors.New("shutting down")
)

// Server is one SFU pod.
type Server struct {
	config   Config
	logger   *zap.Logger
	engine   *transport.Engine
	listener net.Listener
	sessions *session.Table
	own      *announce.Addresses
	handler  http.Handler
	stopping atomic.Bool
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

	engine, err := transport.Listen(config.MediaAddress, logger.Named("pion"))
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
		sessions: session.NewTable(engine, config.MaxSessions, config.Timing, logger),
	}
	s.own = announce.NewAddresses(config.Name, func(addresses []netip.AddrPort) {
		logger.Info("announced addresses changed", zap.Stringers("addresses", addresses))
		// Readiness is part of what the streams' readers are told.
		s.sessions.Touch()
	})
	s.handler = s.routes(token.NewVerifier(key, config.Exam, time.Now))

	return s, nil
}

func (s *Server) routes(verifier *token.Verifier) http.Handler {
	registry := telemetry.NewRegistry()
	pictures := picture.NewHandler(verifier, s.sessions, picture.Render, s.logger)
	registry.MustRegister(s.sessions, pictures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "invigil_sfu_ready",
		Help: "1 while students can publish here.",
	}, func() float64 {
		if s.Ready() == nil {
			return 1
		}

		return 0
	}))

	mux := http.NewServeMux()
	telemetry.RegisterAdmin(mux, registry, s.Ready)
	(&whip.Handler{
		Shard:     s.config.Name,
		Verifier:  verifier,
		Sessions:  s.sessions,
		Announced: s.announced,
		Logger:    s.logger,
	}).Register(mux)
	(&streams.Handler{
		Shard:    s.config.Name,
		Verifier: verifier,
		Source:   s.sessions,
		Ready:    s.Ready,
	}).Register(mux)
	pictures.Register(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "There is no such page.")
	})

	return mux
}

// HTTPAddr is the address that HTTP is served on.
func (s *Server) HTTPAddr() net.Addr { return s.listener.Addr() }

// MediaAddr is the address that media arrives at.
func (s *Server) MediaAddr() net.Addr { return s.engine.Addr() }

// Ready returns nil while students can publish here.
func (s *Server) Ready() error {
	switch {
	case s.stopping.Load():
		return errShuttingDown
	case len(s.own.Current()) == 0:
		return errNoAddress
	default:
		return nil
	}
}

func (s *Server) announced() []netip.AddrPort {
	if s.stopping.Load() {
		return nil
	}

	return s.own.Current()
}

// Run serves until ctx ends. Then it is unready at once, ends all sessions with
// reason Shutdown, and returns when everything is released.
func (s *Server) Run(ctx context.Context) error {
	// HTTP goes on while the sessions end, so that readiness can be asked for.
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
	background.Go(func() { s.sessions.Watch(serving) })
	background.Go(func() { s.sessions.Sample(serving) })
	background.Go(func() {
		defer close(failed)

		serveErr = httpapi.Serve(serving, s.listener, s.handler)
	})

	s.logger.Info("serving", zap.Stringer("http", s.HTTPAddr()), zap.Stringer("media", s.MediaAddr()))

	select {
	case <-ctx.Done():
	case <-failed:
	}

	s.logger.Info("shutting down")

	ended := s.endSessions(ctx)

	stop()
	background.Wait()

	return errors.Join(serveErr, ended, s.engine.Close())
}

func (s *Server) endSessions(ctx context.Context) error {
	s.stopping.Store(true)
	s.sessions.Touch()

	// ctx is over, and releasing needs a moment.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()

	return s.sessions.Shutdown(grace)
}
