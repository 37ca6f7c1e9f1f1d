// Package outcome holds the three ways in which a step of the reconciler can
// stop, each with the condition reason that tells people. They are matched with
// errors.As, so wrapping them changes nothing.
package outcome

import (
	"fmt"
	"time"
)

// StalledError says that somebody has to change something before the operator
// can go on.
type StalledError struct {
	Reason  string
	Message string
	// Recheck is when to look again although no watch says that something has
	// changed; 0 where a watch does.
	Recheck time.Duration
}

// Error returns the message for people.
func (e *StalledError) Error() string { return e.Message }

// Stalled returns a StalledError.
func Stalled(reason, format string, args ...any) *StalledError {
	return &StalledError{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// RecheckAfter sets Recheck.
func (e *StalledError) RecheckAfter(d time.Duration) *StalledError {
	e.Recheck = d

	return e
}

// WaitingError says that something has to happen in the cluster first, and will.
type WaitingError struct {
	Message string
	// After is when to look again at the latest.
	After time.Duration
}

// Error returns the message for people.
func (e *WaitingError) Error() string { return e.Message }

// Waiting returns a WaitingError.
func Waiting(after time.Duration, format string, args ...any) *WaitingError {
	return &WaitingError{Message: fmt.Sprintf(format, args...), After: after}
}

// TransientError says that an attempt failed and is repeated with back-off.
type TransientError struct {
	// Doing says what failed.
	Doing string
	Err   error
}

// Error says what failed and why.
func (e *TransientError) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *TransientError) Unwrap() error { return e.Err }

// Transient returns a TransientError.
func Transient(err error, format string, args ...any) *TransientError {
	return &TransientError{Doing: fmt.Sprintf(format, args...), Err: err}
}
