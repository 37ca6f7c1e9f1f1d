package scoring_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
)

// socket is a page's event socket.
type socket struct {
	*websocket.Conn

	t *testing.T
}

func (b *bench) dial(sessionToken string) *socket {
	b.t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	//nolint:bodyclose // the library closes it
	conn, _, err := websocket.Dial(ctx, strings.Replace(b.public, "http", "ws", 1)+base+"api/v1/events",
		&websocket.DialOptions{
			HTTPClient:   b.client,
			Subprotocols: []string{wire.Subprotocol, wire.BearerSubprotocol + sessionToken},
		})
	if err != nil {
		b.t.Fatal(err)
	}

	b.t.Cleanup(func() { _ = conn.CloseNow() })

	return &socket{Conn: conn, t: b.t}
}

func (s *socket) read() (wire.ServerMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	var message wire.ServerMessage

	_, data, err := s.Read(ctx)
	if err != nil {
		return message, err
	}

	return message, json.Unmarshal(data, &message)
}

// await reads until a message of the type comes.
func (s *socket) await(kind string) wire.ServerMessage {
	s.t.Helper()

	for {
		message, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", kind, err)
		}

		if message.Type == kind {
			return message
		}
	}
}

// closed reads until the socket is closed, and returns the code.
func (s *socket) closed() int {
	s.t.Helper()

	for {
		if _, err := s.read(); err != nil {
			return int(websocket.CloseStatus(err))
		}
	}
}

func (s *socket) send(message any) {
	s.t.Helper()

	data, ok := message.(string)
	if !ok {
		encoded, _ := json.Marshal(message)
		data = string(encoded)
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	if err := s.Write(ctx, websocket.MessageText, []byte(data)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) report(seq int64, violations ...string) {
	s.t.Helper()

	message := wire.ClientMessage{Type: "report", Seq: seq}
	for _, violation := range violations {
		message.Violations = append(message.Violations, wire.ReportedViolation{Type: violation, LastedMs: 5_000})
	}

	s.send(message)
}
