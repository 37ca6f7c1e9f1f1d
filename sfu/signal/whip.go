package signal

import (
	"context"
	"net/http"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/session"
)

// Publishers is the part of session.Table that WHIP needs.
type Publishers interface {
	sessions

	Publish(ctx context.Context, publisher session.Publisher, offer *negotiate.Offer,
		candidates []negotiate.Candidate) (*session.Accepted, error)
}

type whip struct {
	door

	publishers Publishers
}

// RegisterWHIP adds the publishers' routes to mux.
func RegisterWHIP(mux *http.ServeMux, options Options, publishers Publishers) {
	h := whip{
		door:       door{Options: options, audience: token.Media, sessions: publishers, place: "/whip/"},
		publishers: publishers,
	}

	mux.HandleFunc("OPTIONS /whip", h.options)
	mux.HandleFunc("POST /whip", h.publish)
	mux.HandleFunc("/whip", httpapi.MethodNotAllowed("OPTIONS, POST"))
	mux.HandleFunc("PATCH /whip/{id}", h.patch)
	mux.HandleFunc("DELETE /whip/{id}", h.delete)
	mux.HandleFunc("/whip/{id}", httpapi.MethodNotAllowed("PATCH, DELETE"))
}

func (h *whip) publish(w http.ResponseWriter, r *http.Request) {
	claims, err := h.Verifier.Verify(token.Media, httpapi.Bearer(r))

	switch {
	case err != nil:
		httpapi.WriteTokenError(w, err)

		return
	case claims.Shard != h.Shard:
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The media grant is for another shard.")

		return
	}

	candidates, ok := h.candidates(w)
	if !ok {
		return
	}

	body, ok := readBody(w, r, typeSDP)
	if !ok {
		return
	}

	offer, err := negotiate.ParsePublish(body)
	if err != nil {
		h.fail(w, err)

		return
	}

	accepted, err := h.publishers.Publish(r.Context(),
		session.Publisher{Student: claims.Subject, SessionID: claims.SessionID}, offer, candidates)
	if err != nil {
		h.fail(w, err)

		return
	}

	h.created(w, begun{accepted.ID, accepted.ETag, accepted.Answer})
}
