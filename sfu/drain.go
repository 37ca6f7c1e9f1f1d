package sfu

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	drainBodyLimit = 4 << 10
	maxDrain       = 10 * time.Minute
)

// drainHandler answers POST drain.
type drainHandler struct {
	verifier *token.Verifier
	drain    func(timeout time.Duration) (left int)
}

// Register adds the handler's route to mux.
func (h *drainHandler) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /internal/v1/drain", h.serve)
	mux.HandleFunc("/internal/v1/drain", httpapi.MethodNotAllowed("POST"))
}

func (h *drainHandler) serve(w http.ResponseWriter, r *http.Request) {
	if _, err := h.verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
		httpapi.WriteTokenError(w, err)

		return
	}

	body, err := httpapi.ReadBody(w, r, drainBodyLimit)
	if err != nil {
		httpapi.WriteBodyError(w, err)

		return
	}

	var request wire.Drain
	if err := json.Unmarshal(body, &request); err != nil ||
		request.DeadlineMs < 0 || request.DeadlineMs > maxDrain.Milliseconds() {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "deadlineMs must be 0 to 600000.")

		return
	}

	request.Sessions = h.drain(time.Duration(request.DeadlineMs) * time.Millisecond)
	httpapi.WriteJSON(w, http.StatusAccepted, request)
}
