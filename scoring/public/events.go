package public

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
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
// after the upgrade: a browser does not show its page the status before it.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	connection, offered := s.upgrade(w, r, wire.Subprotocol)
	if connection == nil {
		return // It is answered.
	}
	defer s.sockets.Done()

	// The request's own context ends with the server's; the socket must outlive
	// that to be closed with a reason.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()

	connection.SetReadLimit(maxMessage)

	//nolint:contextcheck // its writes have a time-out each, and outlive the request to say why it ended
	conn := newSocket(connection, s.metrics, s.pingInterval, s.writeTimeout)
	defer conn.wait()

	caller, err := s.exam.Authorize(ctx, bearer(offered))
	if err == nil {
		err = s.exam.Attach(caller, conn)
	}

	if err != nil {
		conn.refuse(err)
		// The close handshake needs a reader.
		_, _, _ = connection.Read(ctx)

		return
	}

	s.metrics.Sockets.Inc()
	defer s.metrics.Sockets.Dec()

	switch websocket.CloseStatus(s.read(ctx, connection, conn, caller)) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway:
		// The page closed it: the gap that follows is the student's own.
		s.exam.Leave(caller, conn)
	default:
		s.exam.Detach(caller, conn)
	}
}

// upgrade makes a WebSocket of the request, for which s.sockets then counts one,
// and returns what the client offered. It returns nil if it has answered instead.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, protocol string) (*websocket.Conn, []string) {
	offered := subprotocols(r)

	if !slices.Contains(offered, protocol) {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeVersionNotOffered,
			"Offer the WebSocket subprotocol "+protocol+".")

		return nil, nil
	}

	if !sameOrigin(r) {
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The page is of another origin.")

		return nil, nil
	}

	if !s.enter() {
		w.Header().Set("Retry-After", "1")
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The server shuts down.")

		return nil, nil
	}

	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}})
	if err != nil {
		s.sockets.Done()

		return nil, nil // Accept has answered.
	}

	return connection, offered
}

// read takes messages until the socket ends, and returns what ended it.
func (s *Server) read(ctx context.Context, connection *websocket.Conn, conn *socket, caller exam.Caller) error {
	var order inOrder

	unreadable := 0

	for {
		kind, data, err := connection.Read(ctx)
		if err != nil {
			conn.gone()

			return err //nolint:wrapcheck // its close status is looked at
		}

		if conn.isClosed() {
			continue // Only the close handshake is waited for.
		}

		message, code := parse(kind, data)
		if code != "" {
			unreadable++

			conn.Send(failure(code, "The message cannot be read.", message.Seq))

			if unreadable == maxUnreadable {
				conn.Close(wire.CloseBadMessage, "messages that cannot be read")
			}

			continue
		}

		if !order.admits(message.Seq) {
			if order.skipped++; order.skipped == maxSkipped {
				conn.Close(wire.CloseTooSlow, "reports were refused; connect again and resend")

				continue
			}

			conn.Send(failure(wire.CodeRateLimited, "An earlier report was refused; send that first.", message.Seq))

			continue
		}

		err = s.exam.Report(ctx, caller, conn, message)
		order.took(message.Seq, err)

		if refusal := (*exam.Refusal)(nil); errors.As(err, &refusal) {
			if refusal.Code == wire.CodeSessionReplaced {
				conn.refuse(err)

				continue
			}

			conn.Send(failure(refusal.Code, refusal.Message, message.Seq))
		}
	}
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

func parse(kind websocket.MessageType, data []byte) (wire.ClientMessage, wire.ErrorCode) {
	var message wire.ClientMessage

	switch err := json.Unmarshal(data, &message); {
	case kind != websocket.MessageText || err != nil:
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
