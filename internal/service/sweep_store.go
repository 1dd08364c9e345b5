package service

import (
	"context"

	"quire"
)

// SweepStore keeps sweeps; operations and idempotency are as in
// CommunityStore. A sweep goes with the last of its executions, and with its
// project.
type SweepStore interface {
	// CreateSweep stores the sweep and all of its executions, each as
	// CreateExecution does, or nothing. The operation's result is its id.
	CreateSweep(ctx context.Context, w quire.Sweep, starts []Start, op quire.Operation) (quire.Operation, error)
	Sweep(ctx context.Context, id quire.SweepID) (quire.Sweep, error)
	// Sweeps returns a page, newest first.
	Sweeps(ctx context.Context, f quire.SweepFilter) ([]quire.Sweep, string, error)
	// CancelSweep notes of all executions of the sweep that have not ended that
	// they are to stop, and returns those that were not asked before.
	CancelSweep(ctx context.Context, id quire.SweepID) ([]quire.ExecutionID, error)
}
