package quire

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. The transports translate it to
// gRPC and HTTP statuses by one table each.
type Code int

// The codes, in the words of the gRPC status codes that they become.
const (
	Internal Code = iota // a fault of Quire's own; the zero value on purpose
	InvalidArgument
	NotFound
	AlreadyExists
	FailedPrecondition
	PermissionDenied
	Unauthenticated
	ResourceExhausted
	Unavailable
	Unimplemented
)

// Error is the one domain error: a code, the field that is at fault where
// there is one, a message for the client, and the cause for the log.
type Error struct {
	Code    Code
	Field   string // request field in snake_case, empty where none is at fault
	Message string // safe to show to a client: no path of this machine, no secret
	Err     error  // the cause; logged, never shown
}

// Errorf returns an Error without a field. A %w verb sets its cause, whose
// text then becomes part of the message: wrap only what a client may read.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Invalid returns an InvalidArgument error for the named request field.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: InvalidArgument, Field: field, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first Error in err's chain, and Internal
// where there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
