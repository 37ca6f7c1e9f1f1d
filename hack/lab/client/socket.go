package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Second
)

// dial opens a WebSocket. Errors: *Error (refused), or what failed.
func dial(ctx context.Context, url string, options *websocket.DialOptions) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()

	socket, response, err := websocket.Dial(ctx, url, options) //nolint:bodyclose // "You never need to close" it, says Dial
	if err != nil {
		if response != nil && response.StatusCode >= http.StatusBadRequest {
			failure := &Error{Status: response.StatusCode}
			if response.Body != nil {
				// What is left empty here stays so: the status is enough.
				_ = json.NewDecoder(response.Body).Decode(&failure.Body)
			}

			return nil, failure
		}

		return nil, fmt.Errorf("open socket: %w", err)
	}

	return socket, nil
}

// send writes one message as JSON.
func send(ctx context.Context, socket *websocket.Conn, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}

	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()

	if err := socket.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("send message: %w", err)
	}

	return nil
}
