// Package streams tells other components who is publishing: one HTTP endpoint
// with a versioned long poll, as docs/protocol.md describes it.
package streams

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/session"
)

const (
	maxWait = 30 * time.Second
	// settle gathers changes that come together, such as 100 joins, into one
	// answer.
	settle = 100 * time.Millisecond
)

// Source is the part of session.Table that is told.
type Source interface {
	Streams() (version string, streams []session.Stream)
	Await(ctx context.Context, since string)
	Draining() bool
}

// Handler answers for the streams of one pod.
type Handler struct {
	Shard    string
	Verifier *token.Verifier
	Source   Source
	Ready    func() error
}

// Register adds the handler's route to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.Handle("GET /internal/v1/streams", h)
}

// ServeHTTP is http.Handler's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
		httpapi.WriteTokenError(w, err)

		return
	}

	query := r.URL.Query()

	wait, err := parseWait(query.Get("wait"))
	if err != nil {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "wait must be a number of seconds.")

		return
	}

	if since := query.Get("since"); since != "" && wait > 0 {
		h.await(r.Context(), since, wait)
	}

	httpapi.WriteJSON(w, http.StatusOK, h.snapshot())
}

func (h *Handler) await(ctx context.Context, since string, wait time.Duration) {
	if version, _ := h.Source.Streams(); version != since {
		return
	}

	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()

	h.Source.Await(ctx, since)

	select {
	case <-time.After(settle):
	case <-ctx.Done():
	}
}

func (h *Handler) snapshot() wire.Streams {
	version, streams := h.Source.Streams()
	answer := wire.Streams{
		Version:  version,
		Shard:    h.Shard,
		Ready:    h.Ready() == nil,
		Draining: h.Source.Draining(),
		Streams:  make([]wire.Stream, 0, len(streams)),
	}

	for _, s := range streams {
		stream := wire.Stream{
			Student:   s.Student,
			Session:   s.Session,
			Since:     s.Since.UnixMilli(),
			Receiving: s.Receiving,
			Packets:   s.Packets,
			Bytes:     s.Bytes,
			Wanted:    s.Wanted,
			Limited:   s.Limited,
		}
		if s.Sample != nil {
			still := s.Sample.Still().Milliseconds()
			stream.Luminance, stream.Sharpness, stream.StillMs = &s.Sample.Luminance, &s.Sample.Sharpness, &still
		}

		answer.Streams = append(answer.Streams, stream)
	}

	return answer
}

func parseWait(raw string) (time.Duration, error) {
	if raw == "" {
		return 0, nil
	}

	seconds, err := strconv.ParseUint(raw, 10, 16)
	if err != nil {
		return 0, err
	}

	return min(time.Duration(seconds)*time.Second, maxWait), nil
}
