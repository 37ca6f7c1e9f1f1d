package scoring

import (
	"context"
	"net/http"
	"strings"

	"github.com/invigil/invigil/internal/connlimit"
	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/tracing"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
)

// DefaultConnectionsPerAddress lets an exam of 5,000 students come from one
// address, as they do through an ingress or from one building, with their event
// sockets and their pages' requests. It is there so that one machine cannot take
// all the memory and descriptors that a process may have.
const DefaultConnectionsPerAddress = 16_384

// Door is what clients may take of the public server. Zero fields mean the
// defaults.
type Door struct {
	httpapi.Limits

	// ConnectionsPerAddress are open at a time, by the connection's own address: what
	// a header says of another one is not believed. Negative: as many as come.
	ConnectionsPerAddress int
}

// serveDoor answers the public until ctx ends.
func (p *process) serveDoor(ctx context.Context) error {
	listener, most := p.options.Public, p.options.Door.ConnectionsPerAddress
	if most == 0 {
		most = DefaultConnectionsPerAddress
	}

	if most > 0 {
		listener = connlimit.Listen(listener, most, p.metrics.ConnectionsRefused.Inc)
	}

	counted := countRefusals(http.HandlerFunc(p.public), p.metrics)

	return p.options.Door.Serve(ctx, listener, tracing.Serve(counted, false, spanName))
}

// spanName is what the span of a request is called: pages and sockets have none.
func spanName(r *http.Request) string {
	_, call, ok := strings.Cut(r.URL.Path, "/api/v1/")
	if !ok || r.Header.Get("Upgrade") != "" {
		return ""
	}

	switch call, below, _ := strings.Cut(call, "/"); call {
	case "join", "whip", "evidence":
		return call
	case "pictures":
		return "picture"
	case "sessions":
		if strings.HasSuffix(below, "/record") {
			return "record"
		}

		return "action"
	default:
		return ""
	}
}

// countRefusals counts answers that grant nothing, by error code. What happens to
// WebSockets, closes are counted for.
func countRefusals(next http.Handler, set *metrics.Set) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w = &refusalWriter{ResponseWriter: w, metrics: set}
		}

		next.ServeHTTP(w, r)
	})
}

// refusalWriter is told by httpapi.WriteError.
type refusalWriter struct {
	http.ResponseWriter

	metrics *metrics.Set
}

// Refused counts one refusal.
func (w *refusalWriter) Refused(code wire.ErrorCode) {
	w.metrics.Refused.WithLabelValues(string(code)).Inc()
}

// Unwrap serves http.ResponseController.
func (w *refusalWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
