package signal

import (
	"net/http"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/view"
)

// Viewers is the part of view.Table that WHEP needs.
type Viewers interface {
	sessions

	View(viewer string, offer *negotiate.Offer, candidates []negotiate.Candidate) (*view.Accepted, error)
}

type whep struct {
	door

	viewers Viewers
}

// RegisterWHEP adds the routes of viewers of one stream to mux.
func RegisterWHEP(mux *http.ServeMux, options Options, viewers Viewers) {
	h := whep{
		door:    door{Options: options, audience: token.View, sessions: viewers, place: "/whep/sessions/"},
		viewers: viewers,
	}

	mux.HandleFunc("OPTIONS /whep/{student}", h.options)
	mux.HandleFunc("POST /whep/{student}", h.view)
	mux.HandleFunc("/whep/{student}", httpapi.MethodNotAllowed("OPTIONS, POST"))
	mux.HandleFunc("PATCH /whep/sessions/{id}", h.patch)
	mux.HandleFunc("DELETE /whep/sessions/{id}", h.delete)
	mux.HandleFunc("/whep/sessions/{id}", httpapi.MethodNotAllowed("PATCH, DELETE"))
}

func (h *whep) view(w http.ResponseWriter, r *http.Request) {
	claims, _, ok := h.authorize(w, r)
	if !ok {
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

	offer, err := negotiate.ParseView(body, 1)
	if err != nil {
		h.fail(w, err)

		return
	}

	accepted, err := h.viewers.View(claims.Subject, offer, candidates)
	if err != nil {
		h.fail(w, err)

		return
	}

	// Who is not publishing yet is waited for.
	if err := accepted.Viewer.Assign(0, r.PathValue("student"), wire.LayerHigh); err != nil {
		h.fail(w, err)

		return
	}

	h.created(w, begun{accepted.ID, accepted.ETag, accepted.Answer})
}
