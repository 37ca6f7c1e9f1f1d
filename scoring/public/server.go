// Package public is the exam's one public door: everything a browser reaches,
// below /x/<namespace>/<exam>/.
package public

import (
	"errors"
	"io/fs"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/feed"
	"github.com/invigil/invigil/scoring/invigilator"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/socket"
)

// Options are the parts of a Server.
type Options struct {
	Exam *exam.Exam
	// Page is the built web client: index.html and what it loads.
	Page    fs.FS
	Log     *zap.Logger
	Metrics *metrics.Set
	// Transport reaches the SFU pods.
	Transport http.RoundTripper
	// Invigilators says who may watch and act, Feed tells them, Actor does what
	// they want done.
	Invigilators *invigilator.Checker
	Feed         *feed.Hub
	Actor        Actor
	// Witness takes pages' pictures and reads the record; nil: nobody does.
	Witness Witness
	// Models is the exam's face model.
	Models Models
	// Tiles are the numbers of the invigilators' wall.
	Tiles wire.TileLimits
	// Now is the clock of tokens and limits.
	Now func() time.Time
	// PingInterval and WriteTimeout of sockets; 0 means 15 s and 5 s.
	PingInterval time.Duration
	WriteTimeout time.Duration
}

// Server answers browsers.
type Server struct {
	exam    *exam.Exam
	log     *zap.Logger
	metrics *metrics.Set
	page    *page
	whip    *whip
	mux     *http.ServeMux
	base    string

	invigilators *invigilator.Checker
	hub          *feed.Hub
	actor        Actor
	witness      Witness
	models       Models
	limits       *limits
	// reads and views limit what invigilators read: records, and pictures.
	reads, views *limits
	// viewers are the slot viewers that are passed on.
	viewers   *viewers
	tiles     wire.TileLimits
	strangers *strangers
	audit     *zap.Logger
	now       func() time.Time

	pingInterval time.Duration
	writeTimeout time.Duration

	mu      sync.Mutex
	closing bool
	sockets sync.WaitGroup
	// pages are the event sockets.
	pages *socket.Group
	// draining is closed when the feeds and viewers have to end.
	draining chan struct{}
}

// New returns a server.
func New(options Options) (*Server, error) {
	content, err := newPage(options.Page)
	if err != nil {
		return nil, err
	}

	s := &Server{
		exam:         options.Exam,
		log:          options.Log,
		metrics:      options.Metrics,
		page:         content,
		base:         options.Exam.Base(),
		pingInterval: options.PingInterval,
		writeTimeout: options.WriteTimeout,
		mux:          http.NewServeMux(),
		invigilators: options.Invigilators,
		hub:          options.Feed,
		actor:        options.Actor,
		witness:      options.Witness,
		models:       options.Models,
		limits:       newLimits(actionRate, actionBurst),
		reads:        newLimits(readRate, readBurst),
		views:        newLimits(pictureRate, pictureBurst),
		viewers:      newViewers(options.Transport),
		tiles:        options.Tiles,
		strangers:    newStrangers(options.Now),
		audit:        options.Log.Named("audit"),
		now:          options.Now,
		draining:     make(chan struct{}),
	}

	if s.pingInterval == 0 {
		s.pingInterval = 15 * time.Second
	}

	if s.writeTimeout == 0 {
		s.writeTimeout = 5 * time.Second
	}

	s.pages = socket.NewGroup(socket.Options{
		MaxMessage: maxMessage, PingInterval: s.pingInterval, WriteTimeout: s.writeTimeout,
		Owed: acknowledgement, MostOwed: mostUnacknowledged, OwedFor: unacknowledgedFor,
		Closed: func(code int) { s.metrics.SocketCloses.WithLabelValues(strconv.Itoa(code)).Inc() },
	})
	s.whip = newWhip(s.exam, options.Transport, s.log, s.metrics, s.base)

	s.mux.HandleFunc("GET /api/v1/notice", s.notice)
	s.mux.HandleFunc("POST /api/v1/join", s.join)
	s.mux.HandleFunc("OPTIONS /api/v1/whip", s.whip.options)
	s.mux.HandleFunc("POST /api/v1/whip", s.whip.publish)
	s.mux.HandleFunc("PATCH /api/v1/whip/{shard}/{id}", s.whip.patch)
	s.mux.HandleFunc("DELETE /api/v1/whip/{shard}/{id}", s.whip.delete)
	s.mux.HandleFunc("GET /api/v1/events", s.events)
	s.mux.HandleFunc("GET /api/v1/feed", s.feed)
	s.mux.HandleFunc("POST /api/v1/sessions/{student}/actions", s.act)
	s.mux.HandleFunc("GET /api/v1/wall", s.wall)
	s.mux.HandleFunc("GET /api/v1/view/{shard}", s.view)
	s.mux.HandleFunc("GET /api/v1/sessions/{student}/record", s.record)
	s.mux.HandleFunc("GET /api/v1/pictures/{sha256}", s.picture)
	s.mux.HandleFunc("POST /api/v1/evidence", s.evidence)
	s.mux.HandleFunc("/api/v1/wall", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/view/{shard}", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/sessions/{student}/record", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/pictures/{sha256}", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/evidence", notAllowed("POST"))
	s.mux.HandleFunc("/api/v1/feed", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/sessions/{student}/actions", notAllowed("POST"))
	s.mux.HandleFunc("/api/v1/notice", notAllowed("GET"))
	s.mux.HandleFunc("/api/v1/join", notAllowed("POST"))
	s.mux.HandleFunc("/api/v1/whip", notAllowed("OPTIONS, POST"))
	s.mux.HandleFunc("/api/v1/whip/{shard}/{id}", notAllowed("DELETE, PATCH"))
	s.mux.HandleFunc("/api/v1/events", notAllowed("GET"))
	s.mux.HandleFunc("GET /models/{sha256}/face_landmarker.task", s.faceModel)
	s.mux.HandleFunc("/models/{sha256}/face_landmarker.task", notAllowed("GET, HEAD"))
	s.mux.HandleFunc("GET /wall", s.static)
	s.mux.HandleFunc("GET /review", s.static)
	s.mux.HandleFunc("/", s.static)

	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")

	switch below := strings.HasPrefix(r.URL.Path, s.base); {
	case r.URL.Path == "/" || r.URL.Path+"/" == s.base:
		// Browsers carry the fragment over, and with it the link token.
		http.Redirect(w, r, s.base, http.StatusFound)
	case below && strings.TrimSuffix(r.URL.Path, "/") == path.Clean(r.URL.Path):
		// Other spellings of a path would be redirected, and out of the base.
		http.StripPrefix(strings.TrimSuffix(s.base, "/"), s.mux).ServeHTTP(w, r)
	default:
		notFound(w, r)
	}
}

// Drain lets no new sockets in, and ends the feeds and viewers. Event sockets that are open
// are the tracker's to close; Wait waits for all of them.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()

	if !s.closing {
		s.closing = true
		close(s.draining)
	}
}

// Wait returns when every socket has ended.
func (s *Server) Wait() { s.sockets.Wait() }

// enter counts one socket, unless the server is closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closing {
		return false
	}

	s.sockets.Add(1)

	return true
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "There is nothing here.")
}

// notAllowed answers for a path that exists, and not for the request's method.
func notAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		httpapi.WriteError(w, http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed, "Use one of "+allow+".")
	}
}

// writeRefusal answers with err, which is a *exam.Refusal.
func writeRefusal(w http.ResponseWriter, err error) {
	refusal := (*exam.Refusal)(nil)
	if !errors.As(err, &refusal) {
		httpapi.WriteError(w, http.StatusInternalServerError, wire.CodeInternal, "Something went wrong here.")

		return
	}

	if refusal.RetryAfter > 0 {
		w.Header().Set("Retry-After", retryAfter(refusal.RetryAfter))
	}

	httpapi.WriteError(w, refusal.Status, refusal.Code, refusal.Message)
}

// retryAfter is in whole seconds, never too early.
func retryAfter(wait time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}
