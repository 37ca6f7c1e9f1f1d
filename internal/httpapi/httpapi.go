// Package httpapi is what the HTTP servers of Invigil have in common: the error
// body of docs/protocol.md, bearer tokens, bounded bodies, and a server that
// stops when its context does.
package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// WriteError answers with status and the protocol's error body.
func WriteError(w http.ResponseWriter, status int, code wire.ErrorCode, message string) {
	WriteJSON(w, status, wire.Error{Code: code, Message: message})
}

// WriteTokenError answers for an error of token.Verifier.Verify.
func WriteTokenError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, token.ErrExpired):
		WriteError(w, http.StatusUnauthorized, wire.CodeTokenExpired, "The token has expired.")
	case errors.Is(err, token.ErrWrongExam):
		WriteError(w, http.StatusForbidden, wire.CodeWrongExam, "The token is for another exam.")
	default:
		WriteError(w, http.StatusUnauthorized, wire.CodeUnauthenticated, "A valid bearer token is needed.")
	}
}

// WriteJSON answers with status and body. Answers are never cached: they speak
// of people and of now.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, `{"code":"Internal","message":"The answer could not be encoded."}`, http.StatusInternalServerError)

		return
	}

	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(append(data, '\n'))
}

// Bearer returns the request's bearer token (RFC 6750), or "".
func Bearer(r *http.Request) string {
	scheme, credentials, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}

	return strings.TrimSpace(credentials)
}

// ErrTooLarge: a request body is over its limit.
var ErrTooLarge = errors.New("request body is too large")

// ReadBody reads at most limit bytes of the request's body. Errors: ErrTooLarge,
// or what reading gave.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, ErrTooLarge
	} else if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}

	return data, nil
}

// shutdownTimeout is how long open requests may take to end at shutdown. Long
// polls end at once since their context does.
const shutdownTimeout = 5 * time.Second

// Serve answers on listener until ctx ends; then it lets open requests finish
// for at most 5 s. Requests' contexts end with ctx.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)

	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}

	// ctx is over, and the open requests still need a moment.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()

	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("shut down %s: %w", listener.Addr(), err), server.Close())
	}

	return nil
}

// MethodNotAllowed answers for a page that exists, and not for the method; allow
// lists those that it does exist for.
func MethodNotAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		WriteError(w, http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed, "Allowed here: "+allow+".")
	}
}
