// Package httpapi is what the HTTP servers of Invigil have in common: the error
// body of docs/protocol.md, bearer tokens, bounded bodies, and a server that
// stops when its context does.
package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// WriteError answers with status and the protocol's error body. A writer that has
// a method Refused is told the code, to count it.
func WriteError(w http.ResponseWriter, status int, code wire.ErrorCode, message string) {
	if counter, ok := w.(interface{ Refused(wire.ErrorCode) }); ok {
		counter.Refused(code)
	}

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

// MethodNotAllowed answers for a page that exists, and not for the method; allow
// lists those that it does exist for.
func MethodNotAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		WriteError(w, http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed, "Allowed here: "+allow+".")
	}
}
