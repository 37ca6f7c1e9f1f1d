// Package client is the student's side of docs/protocol.md in Go: joining,
// publishing with WHIP, and the event socket; and the viewer's, the slot viewer.
// The lab, end-to-end tests and benchmarks are made of it.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// Error is an answer that is no success.
type Error struct {
	Status int
	// Body is the protocol's error; empty if somebody else answered.
	Body wire.Error
	// RetryAfter is what the server asks to wait; 0: it does not say.
	RetryAfter time.Duration
}

// Error is error's.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Body.Code, e.Body.Message)
}

// Temporary tells whether the same request may succeed later.
func (e *Error) Temporary() bool {
	switch e.Body.Code {
	case wire.CodeExamNotOpen, wire.CodeNoShardAvailable, wire.CodeNotReady, wire.CodeShardUnreachable,
		wire.CodeTooManySessions, wire.CodeRateLimited, wire.CodeInternal:
		return true
	default:
		return e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented
	}
}

// IsTemporary tells whether what failed with err may succeed later. What was
// not even answered may.
func IsTemporary(err error) bool {
	var answered *Error

	return !errors.As(err, &answered) || answered.Temporary()
}

const (
	// bodyLimit bounds what is read of an answer.
	bodyLimit = 1 << 20
	// requestTimeout is more than any answer should take.
	requestTimeout = 15 * time.Second
)

// do sends the request with the bearer token and returns the answer's header
// and body. Errors: *Error unless the status is one of want, or what failed.
func do(httpClient *http.Client, r *http.Request, bearer string, want ...int) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()

	r = r.WithContext(ctx)

	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}

	response, err := httpClient.Do(r)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // names method and URL already
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}

	for _, status := range want {
		if response.StatusCode == status {
			return response.Header, body, nil
		}
	}

	failure := &Error{Status: response.StatusCode}
	if json.Unmarshal(body, &failure.Body) != nil || failure.Body.Code == "" {
		// An answer of somebody in between, a proxy for example.
		failure.Body.Message = http.StatusText(response.StatusCode)
	}

	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		failure.RetryAfter = time.Duration(seconds) * time.Second
	}

	return nil, nil, failure
}

// sleep waits for d or until ctx ends, and tells which.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
