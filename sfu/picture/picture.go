// Package picture shows what a student's camera shows, as the SFU itself sees
// it: one HTTP endpoint with a stream's last key frame as JPEG, as
// docs/protocol.md describes it.
package picture

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/session"
)

const (
	defaultMaxAge = 2 * time.Second
	maxMaxAge     = time.Minute
	// waitLimit is how long a newer key frame may take to come.
	waitLimit = 3 * time.Second
	// decoders is how many pictures are made at a time, and queue how many more
	// requests may wait for their turn: a second or so.
	decoders = 2
	queue    = 64
	// retryAfter, in seconds, is what those are told who find the queue full.
	retryAfter = "1"
)

// The results, as they are counted.
const (
	resultPicture  = "Picture"
	resultRefused  = "Refused"
	resultNotFound = "NotFound"
	resultTimeout  = "Timeout"
	resultBusy     = "Busy"
	resultCorrupt  = "Corrupt"
	resultGivenUp  = "GivenUp"
	resultInternal = "Internal"
)

// Source is the part of session.Table that has key frames.
type Source interface {
	KeyFrame(ctx context.Context, student string, maxAge time.Duration) (*keyframe.Frame, error)
}

// Picture is what an answer carries.
type Picture struct {
	JPEG          []byte
	Width, Height int
}

// Render makes a picture of a key frame. Error: keyframe.ErrCorrupt, or a bug.
func Render(frame *keyframe.Frame) (*Picture, error) {
	decoded, err := keyframe.Decode(frame.Data)
	if err != nil {
		return nil, err
	}

	data, err := keyframe.Encode(decoded)
	if err != nil {
		return nil, err
	}

	return &Picture{JPEG: data, Width: decoded.Rect.Dx(), Height: decoded.Rect.Dy()}, nil
}

// Handler answers with pictures.
type Handler struct {
	verifier *token.Verifier
	source   Source
	render   func(*keyframe.Frame) (*Picture, error)
	logger   *zap.Logger

	// waiting has a place for each request that is in the queue or decodes, and
	// decoding one for each that decodes.
	waiting, decoding chan struct{}

	requests *prometheus.CounterVec
	seconds  prometheus.Histogram
}

// NewHandler returns the handler; render is Render.
func NewHandler(verifier *token.Verifier, source Source, render func(*keyframe.Frame) (*Picture, error),
	logger *zap.Logger,
) *Handler {
	h := &Handler{
		verifier: verifier,
		source:   source,
		render:   render,
		logger:   logger,
		waiting:  make(chan struct{}, decoders+queue),
		decoding: make(chan struct{}, decoders),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "invigil_sfu_keyframe_requests_total",
			Help: "Requests for a stream's key frame as picture, by result.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "invigil_sfu_keyframe_decode_seconds",
			Help:    "Time to make a JPEG of a key frame, without waiting for it.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5},
		}),
	}
	for _, result := range []string{
		resultPicture, resultRefused, resultNotFound, resultTimeout, resultBusy, resultCorrupt, resultGivenUp, resultInternal,
	} {
		h.requests.WithLabelValues(result)
	}

	return h
}

// Describe is prometheus.Collector's.
func (h *Handler) Describe(descriptions chan<- *prometheus.Desc) {
	h.requests.Describe(descriptions)
	h.seconds.Describe(descriptions)
}

// Collect is prometheus.Collector's.
func (h *Handler) Collect(values chan<- prometheus.Metric) {
	h.requests.Collect(values)
	h.seconds.Collect(values)
}

// Register adds the handler's route to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.Handle("GET /internal/v1/streams/{student}/keyframe", h)
}

// ServeHTTP is http.Handler's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.WithLabelValues(h.serve(w, r)).Inc()
}

// serve answers, and returns the result to count.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) string {
	if _, err := h.verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
		httpapi.WriteTokenError(w, err)

		return resultRefused
	}

	maxAge, ok := parseMaxAge(r.URL.Query().Get("maxAgeMs"))
	if !ok {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "maxAgeMs must be a number from 0 to 60000.")

		return resultRefused
	}

	frame, err := h.frame(r, maxAge)
	if err != nil {
		return h.fail(w, err)
	}

	picture, err := h.picture(r.Context(), frame)
	if err != nil {
		return h.fail(w, err)
	}

	header := w.Header()
	header.Set("Content-Type", "image/jpeg")
	header.Set("Content-Length", strconv.Itoa(len(picture.JPEG)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Invigil-Captured-At", strconv.FormatInt(frame.At.UnixMilli(), 10))
	header.Set("X-Invigil-Width", strconv.Itoa(picture.Width))
	header.Set("X-Invigil-Height", strconv.Itoa(picture.Height))
	// A client that is gone by now has nobody to tell.
	_, _ = w.Write(picture.JPEG)

	return resultPicture
}

var (
	errTimeout = errors.New("no key frame in time")
	errBusy    = errors.New("too many requests wait for a decoder")
)

func (h *Handler) frame(r *http.Request, maxAge time.Duration) (*keyframe.Frame, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), waitLimit, errTimeout)
	defer cancel()

	return h.source.KeyFrame(ctx, r.PathValue("student"), maxAge)
}

// picture waits for its turn and makes the picture. Errors: errBusy, ctx's,
// render's.
func (h *Handler) picture(ctx context.Context, frame *keyframe.Frame) (*Picture, error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, errBusy
	}

	select {
	case h.decoding <- struct{}{}:
		defer func() { <-h.decoding }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}

	began := time.Now()
	defer func() { h.seconds.Observe(time.Since(began).Seconds()) }()

	return h.render(frame)
}

// fail answers for an error, and returns the result to count.
func (h *Handler) fail(w http.ResponseWriter, err error) string {
	switch {
	case errors.Is(err, session.ErrNotFound):
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "The student does not stream here.")

		return resultNotFound
	case errors.Is(err, errTimeout):
		httpapi.WriteError(w, http.StatusGatewayTimeout, wire.CodeKeyFrameTimeout, "The student sent no key frame in time.")

		return resultTimeout
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", retryAfter)
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeRateLimited, "Too many pictures are being made.")

		return resultBusy
	case errors.Is(err, keyframe.ErrCorrupt):
		httpapi.WriteError(w, http.StatusBadGateway, wire.CodeUnsupportedMedia, "The student's key frame cannot be decoded.")

		return resultCorrupt
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The client is gone, or the pod is about to be.
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The request was given up.")

		return resultGivenUp
	default:
		h.logger.Error("picture", zap.Error(err))
		httpapi.WriteError(w, http.StatusInternalServerError, wire.CodeInternal, "This is a bug; it is logged.")

		return resultInternal
	}
}

func parseMaxAge(raw string) (time.Duration, bool) {
	if raw == "" {
		return defaultMaxAge, true
	}

	milliseconds, err := strconv.ParseUint(raw, 10, 32)
	if err != nil {
		return 0, false
	}

	maxAge := time.Duration(milliseconds) * time.Millisecond

	return maxAge, maxAge <= maxMaxAge
}
