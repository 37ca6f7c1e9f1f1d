// Package fault gives the errors that a user can do something about a stable
// word, so that scripts and documentation can refer to them.
package fault

import "fmt"

// Code is the stable word of an error.
type Code string

// The codes that the local cluster reports. Each is explained in
// docs/local-cluster.md.
const (
	NotLinux           Code = "NotLinux"
	NotRoot            Code = "NotRoot"
	RepositoryNotFound Code = "RepositoryNotFound"
	GoMissing          Code = "GoMissing"
	PackageMissing     Code = "PackageMissing"
	BuildFailed        Code = "BuildFailed"
	PortTaken          Code = "PortTaken"
	ForeignNode        Code = "ForeignNode"
	NetworkTaken       Code = "NetworkTaken"
	CgroupUnusable     Code = "CgroupUnusable"
	ProcessDied        Code = "ProcessDied"
	NotReady           Code = "NotReady"
	NotRunning         Code = "NotRunning"
	NodeUnknown        Code = "NodeUnknown"
	NodeNotCuttable    Code = "NodeNotCuttable"
	ImageUnreadable    Code = "ImageUnreadable"
	StillThere         Code = "StillThere"
)

// Error is an error with a stable code.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// New makes an error with a code.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error with a code that has a cause.
func Wrap(code Code, err error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// Error returns "Code: message: cause".
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &Error{Code: c}) match any error of code c.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code && other.Message == "" && other.Err == nil
}
