package quire

import (
	"errors"
	"syscall"
)

// Shortage returns what of the machine has run out where that is why err came
// about, as an Error that a client may read, and else nil. It keeps err as the
// cause.
func Shortage(err error) *Error {
	for _, s := range []struct {
		errno   syscall.Errno
		code    Code
		message string
	}{
		{syscall.ENOSPC, ResourceExhausted, "the server's disk is full"},
		{syscall.EDQUOT, ResourceExhausted, "the server's disk quota is used up"},
		{syscall.EROFS, Unavailable, "the server's disk can only be read at the moment"},
		{syscall.EIO, Unavailable, "the server's disk has failed"},
		{syscall.EMFILE, ResourceExhausted, "the server has run out of file descriptors"},
		{syscall.ENFILE, ResourceExhausted, "the server's machine has run out of file descriptors"},
		{syscall.EAGAIN, ResourceExhausted, "the server has run out of processes"},
		{syscall.ENOMEM, ResourceExhausted, "the server's machine has run out of memory"},
	} {
		if errors.Is(err, s.errno) {
			return &Error{Code: s.code, Message: s.message, Err: err}
		}
	}
	return nil
}
