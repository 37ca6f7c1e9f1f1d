package public

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/socket"
)

const (
	// maxMessage bounds one message: 64 violations are 6 KiB.
	maxMessage = 16 << 10
	// maxUnreadable messages close a socket.
	maxUnreadable = 3
	// maxSkipped reports after a refused one close a socket. Its page does not
	// resend by itself, and the welcome of the next socket makes it.
	maxSkipped = 100
)

// events answers GET events. What is wrong with a token is said by a close code
// after the upgrade: a browser does not show its page the status before it. The
// socket outlives the request, of which nothing is kept.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	offered, ok := s.admit(w, r, wire.Subprotocol)
	if !ok {
		return // It is answered.
	}

	opened, err := s.pages.Upgrade(w, r, wire.Subprotocol)
	if err != nil {
		s.sockets.Done()

		return // It is answered.
	}

	conn := &eventSocket{opened}

	caller, err := s.exam.Authorize(r.Context(), bearer(offered))
	if err == nil {
		err = s.exam.Attach(caller, conn)
	}

	if err == nil {
		s.metrics.Sockets.Inc()
		opened.Serve(&pageHandler{server: s, conn: conn, caller: caller})
	} else {
		conn.refuse(err)
		opened.Serve(&refusedHandler{server: s, conn: conn})
	}
}

// admit checks what a request for a WebSocket says, and returns the subprotocols
// that it offers; s.sockets then counts one. Unless ok it is answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, protocol string) (offered []string, ok bool) {
	offered = subprotocols(r)

	if !slices.Contains(offered, protocol) {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeVersionNotOffered,
			"Offer the WebSocket subprotocol "+protocol+".")

		return nil, false
	}

	if !sameOrigin(r) {
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The page is of another origin.")

		return nil, false
	}

	if !s.enter() {
		w.Header().Set("Retry-After", "1")
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The server shuts down.")

		return nil, false
	}

	return offered, true
}

// inOrder keeps reports in order past one that was refused for a while: taking a
// later one first would make the earlier one look like a repeat, and it would be
// acknowledged without ever having been counted.
type inOrder struct {
	refused int64
	// skipped counts what came instead.
	skipped int
}

func (o *inOrder) admits(seq int64) bool { return o.refused == 0 || seq <= o.refused }

func (o *inOrder) took(seq int64, err error) {
	refusal := (*exam.Refusal)(nil)

	switch again := errors.As(err, &refusal) &&
		(refusal.Code == wire.CodeRateLimited || refusal.Code == wire.CodeInternal); {
	case again && (o.refused == 0 || seq < o.refused):
		o.refused = seq
	case !again && seq == o.refused:
		o.refused, o.skipped = 0, 0
	}
}

func parse(received socket.Message) (wire.ClientMessage, wire.ErrorCode) {
	switch message, err := readReport(received.Data); {
	case !received.Text || err != nil:
		return wire.ClientMessage{}, wire.CodeBadRequest
	case message.Type != "report":
		return message, wire.CodeUnknownMessage
	case message.Seq < 1:
		return message, wire.CodeBadRequest
	default:
		return message, ""
	}
}

func failure(code wire.ErrorCode, text string, seq int64) wire.ServerMessage {
	return wire.ServerMessage{Type: "error", Seq: seq, Error: &wire.Error{Code: code, Message: text}}
}

// subprotocols are what the client offers.
func subprotocols(r *http.Request) []string {
	var offered []string

	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			offered = append(offered, strings.TrimSpace(name))
		}
	}

	return offered
}

// bearer is the token among the subprotocols.
func bearer(offered []string) string {
	for _, name := range offered {
		if token, ok := strings.CutPrefix(name, wire.BearerSubprotocol); ok {
			return token
		}
	}

	return ""
}

// sameOrigin is true for a page of this origin, and for what is no browser.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}

	parsed, err := url.Parse(origin)

	return err == nil && strings.EqualFold(parsed.Host, r.Host)
}
