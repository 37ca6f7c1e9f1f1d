package view

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// messageLimit is more than any offer, in bytes: 50 sections take about 60 KiB.
const messageLimit = 256 << 10

// Handler is the slot viewers' door.
type Handler struct {
	// Shard is this pod's name: grants are for one pod.
	Shard    string
	Verifier *token.Verifier
	// Announced returns the addresses to announce; none: not ready.
	Announced func() []netip.AddrPort
	// Draining is closed when the pod drains.
	Draining <-chan struct{}
	Table    *Table
	Logger   *zap.Logger
}

// Register adds the handler's route to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /view", h.serve)
	mux.HandleFunc("/view", httpapi.MethodNotAllowed("GET"))
}

// grant returns the request's grant: a browser cannot set headers of a WebSocket.
func grant(r *http.Request) string {
	if raw := httpapi.Bearer(r); raw != "" {
		return raw
	}

	for _, values := range r.Header.Values("Sec-Websocket-Protocol") {
		for value := range strings.SplitSeq(values, ",") {
			if raw, ok := strings.CutPrefix(strings.TrimSpace(value), wire.BearerSubprotocol); ok {
				return raw
			}
		}
	}

	return ""
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	claims, err := h.Verifier.Verify(token.View, grant(r))

	switch {
	case err != nil:
		httpapi.WriteTokenError(w, err)

		return
	case claims.Shard != h.Shard:
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The view grant is for another shard.")

		return
	case len(h.Announced()) == 0:
		w.Header().Set("Retry-After", "2")
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "This pod cannot be reached with media now.")

		return
	}

	if !h.Table.enter() {
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeDraining, "This pod is shutting down.")

		return
	}
	defer h.Table.sockets.Done()

	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{wire.ViewSubprotocol},
		// Whose page it is does not matter: the grant is no cookie.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return // it has answered
	}

	connection.SetReadLimit(messageLimit)

	s := &socket{
		handler: h, connection: connection,
		messages: make(chan []byte), gone: make(chan struct{}), over: make(chan struct{}),
	}

	// The end of a context would end the connection without a word.
	ctx := context.WithoutCancel(r.Context())

	go s.read(ctx)

	code, text := s.run(ctx, claims.Subject)

	close(s.over)
	_ = connection.Close(websocket.StatusCode(code), text) // or it is gone already
	<-s.gone
}
