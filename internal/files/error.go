package files

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"quire"
)

var (
	// errNotRegular is a pipe, a socket or a device where a file should be.
	errNotRegular = errors.New("not a regular file")
	// errDangling is a link to nothing where a folder should be.
	errDangling = errors.New("link to nothing")
)

// clientError turns what the file system said about path, a path in a
// project, into the error that its sender sees, or keeps it for the log
// where the sender is not at fault. Neither has a path of this machine in it.
func clientError(err error, path string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return about(path, quire.NotFound, "the project has no file %q", err)
	case errors.Is(err, syscall.EISDIR):
		return about(path, quire.FailedPrecondition, "%q is a folder, not a file", err)
	case errors.Is(err, syscall.ENOTDIR):
		return about(path, quire.FailedPrecondition, "a folder in %q is a file", err)
	case errors.Is(err, syscall.ELOOP):
		return about(path, quire.FailedPrecondition, "%q is a link that leads to itself", err)
	case errors.Is(err, errNotRegular), errors.Is(err, syscall.ENXIO):
		return about(path, quire.FailedPrecondition, "%q is a pipe, a socket or a device, not a file", err)
	case errors.Is(err, errDangling):
		return about(path, quire.FailedPrecondition, "a folder in %q is a link to nothing", err)
	case errors.Is(err, fs.ErrPermission):
		return about(path, quire.FailedPrecondition, "a notebook has closed %q by its mode", err)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return about(path, quire.InvalidArgument, "%q is too long", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return about(path, quire.ResourceExhausted, "there is no space left for %q", err)
	case escapes(err):
		return about(path, quire.InvalidArgument, "%q leaves the project by a link", err)
	}
	return bare(err)
}

func about(path string, code quire.Code, format string, cause error) error {
	e := quire.Errorf(code, format, path)
	e.Field = "path"
	e.Err = bare(cause)
	return e
}

// escapes reports whether os.Root refused a name: the error for that is not
// exported, but all others of a path come from the system or from io/fs.
func escapes(err error) bool {
	p, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return false
	}
	_, system := errors.AsType[syscall.Errno](p.Err)
	return !system && !errors.Is(p.Err, os.ErrClosed) && !errors.Is(p.Err, fs.ErrInvalid)
}

// bare drops the paths from a file system's error.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return &opError{p.Op, p.Err}
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return &opError{l.Op, l.Err}
	}
	return err
}

// opError is a file system's error without the path.
type opError struct {
	op  string
	err error
}

func (e *opError) Error() string { return e.op + ": " + e.err.Error() }
func (e *opError) Unwrap() error { return e.err }
