package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// Errors of ReadBody, beside those of the connection.
var (
	// ErrTooLarge: a request body is over its limit.
	ErrTooLarge = errors.New("request body is too large")
	// ErrTooSlow: a request body did not come within Limits.Body.
	ErrTooSlow = errors.New("request body comes too slowly")
)

// ReadBody reads at most limit bytes of the request's body. Errors: ErrTooLarge,
// ErrTooSlow, or what reading gave.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))

	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return nil, ErrTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, ErrTooSlow
	case err != nil:
		return nil, fmt.Errorf("read body: %w", err)
	}

	// The deadline was for the body. What follows may take its time, and would be
	// cancelled by it. A writer that knows no deadlines had none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})

	return data, nil
}

// WriteBodyError answers for an error of ReadBody.
func WriteBodyError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrTooLarge):
		WriteError(w, http.StatusRequestEntityTooLarge, wire.CodeTooLarge, "The body is too large.")
	case errors.Is(err, ErrTooSlow):
		WriteError(w, http.StatusRequestTimeout, wire.CodeRequestTimeout, "The body comes too slowly.")
	default:
		WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "The body cannot be read.")
	}
}
