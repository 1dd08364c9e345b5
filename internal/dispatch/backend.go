package dispatch

import (
	"context"
	"errors"

	"quire"
)

// ErrClaimLost is returned by a Store when another owner has taken an execution over.
var ErrClaimLost = errors.New("claim lost to another owner")

// ErrExecutorGone is returned by Backend.Follow when the executor ended
// without finishing its journal, or when the handle leads to none.
var ErrExecutorGone = errors.New("executor gone")

// ExecutorError is the ErrExecutorGone of an executor that has said why.
type ExecutorError struct{ Why quire.Failure }

func (f *ExecutorError) Error() string { return ErrExecutorGone.Error() + ": " + f.Why.Message }

// Unwrap returns ErrExecutorGone.
func (f *ExecutorError) Unwrap() error { return ErrExecutorGone }

// Backend starts executors somewhere and finds them again. Its methods are
// safe for concurrent use.
type Backend interface {
	// Start launches an executor for job, whose folder holds job.json and
	// input.ipynb, and returns its handle once it can be found again by it.
	Start(ctx context.Context, job quire.Job) (quire.Handle, error)
	// Follow calls durable with the length in bytes of the executor's journal
	// that is safe on disk in the job's folder: once at first, then each time
	// it has grown, in order. It returns nil after the executor has ended and
	// the journal's last event is Finished, ErrExecutorGone if it has ended
	// otherwise, an *ExecutorError where it has said why, or ctx's error. It works on a handle from before a restart.
	Follow(ctx context.Context, h quire.Handle, durable func(size int64)) error
	// Stop asks the executor to interrupt its kernel and to end, for the
	// reason given. It does not wait, and it is no error if it has ended.
	Stop(ctx context.Context, h quire.Handle, why quire.Failure) error
	// Clean ends whatever is left of the executor, its kernel and what that
	// started, and removes its temporary files. It is idempotent.
	Clean(ctx context.Context, h quire.Handle) error
}
