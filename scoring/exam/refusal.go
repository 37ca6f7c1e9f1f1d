package exam

import (
	"errors"
	"net/http"
	"time"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// Refusal is a request that is not granted, as docs/protocol.md has it.
//
//nolint:errname // it is an answer first
type Refusal struct {
	// Status is the HTTP status.
	Status  int
	Code    wire.ErrorCode
	Message string
	// RetryAfter says when to try again; 0: it would not help.
	RetryAfter time.Duration
	// Close is the close code of an event socket.
	Close int
}

// Error implements error.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Message }

func refuse(status int, code wire.ErrorCode, closeCode int, message string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message, Close: closeCode}
}

func badRequest(message string) *Refusal {
	return refuse(http.StatusBadRequest, wire.CodeBadRequest, wire.CloseBadMessage, message)
}

func notEnrolled() *Refusal {
	return refuse(http.StatusForbidden, wire.CodeNotEnrolled, wire.CloseNotEnrolled,
		"You are not on the list of this exam.")
}

func finished() *Refusal {
	return refuse(http.StatusForbidden, wire.CodeExamFinished, wire.CloseExamFinished, "The exam is over.")
}

func terminated() *Refusal {
	return refuse(http.StatusForbidden, wire.CodeExamFinished, wire.CloseTerminated,
		"An invigilator has ended your exam.")
}

func notOpen(wait time.Duration) *Refusal {
	refusal := refuse(http.StatusForbidden, wire.CodeExamNotOpen, wire.CloseUnauthenticated,
		"The exam is not open yet.")
	refusal.RetryAfter = wait

	return refusal
}

func replaced() *Refusal {
	return refuse(http.StatusConflict, wire.CodeSessionReplaced, wire.CloseSessionReplaced,
		"You have joined on another device since.")
}

func rateLimited() *Refusal {
	refusal := refuse(http.StatusTooManyRequests, wire.CodeRateLimited, wire.CloseTooSlow, "Too many requests.")
	refusal.RetryAfter = time.Second

	return refusal
}

func internal() *Refusal {
	return refuse(http.StatusInternalServerError, wire.CodeInternal, wire.CloseShutdown,
		"Something went wrong here. Try again.")
}

// tokenRefusal is for an error of token.Verifier.Verify.
func tokenRefusal(err error) *Refusal {
	switch {
	case errors.Is(err, token.ErrExpired):
		return refuse(http.StatusUnauthorized, wire.CodeTokenExpired, wire.CloseUnauthenticated,
			"The token has expired.")
	case errors.Is(err, token.ErrWrongExam):
		return refuse(http.StatusForbidden, wire.CodeWrongExam, wire.CloseUnauthenticated,
			"The token is for another exam.")
	default:
		return refuse(http.StatusUnauthorized, wire.CodeUnauthenticated, wire.CloseUnauthenticated,
			"A valid bearer token is needed.")
	}
}
