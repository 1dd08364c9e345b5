package dispatch

import (
	"context"
	"time"

	"quire"
)

// Store is the part of the store that hands executions to dispatchers. A claim
// is a lease with a fencing token: a write whose claim is not the newest of
// its execution changes nothing and returns ErrClaimLost. Each method is one
// transaction.
type Store interface {
	// ClaimQueued leases a QUEUED execution to owner until the given time and
	// makes it STARTING with its token raised by one. It returns false when
	// nothing is queued that may start. Projects with a greater priority go
	// first; among equals the one with the fewest executions under way, and then
	// the one whose last claim is the longest ago. Within a project the greatest
	// priority goes first, and then the oldest. A project whose policy does not
	// say how many of its executions may be under way has maxRunning; a negative
	// number is no limit.
	ClaimQueued(ctx context.Context, owner string, until time.Time, maxRunning int) (quire.Execution, bool, error)
	// ClaimExecution is ClaimQueued for the one execution, and returns false if
	// that is not QUEUED.
	ClaimExecution(ctx context.Context, id quire.ExecutionID, owner string, until time.Time) (quire.Execution, bool, error)
	// ClaimAbandoned leases to owner every unended execution that is not
	// QUEUED and whose lease belongs to another owner and has run out at now,
	// raising each token. State and handle stay as they are.
	ClaimAbandoned(ctx context.Context, owner string, now, until time.Time) ([]quire.Execution, error)
	// RenewClaims extends every lease that owner holds on an unended execution.
	RenewClaims(ctx context.Context, owner string, until time.Time) error
	// SaveProgress stores handle and progress under the claim. A final state
	// ends the execution: its operation becomes done in the same transaction,
	// with the state as the result, or with failed as its failure where that
	// is not nil, and its units are taken off its project's balance. A QUEUED
	// state puts it back into the queue.
	SaveProgress(ctx context.Context, id quire.ExecutionID, claim quire.Claim, handle quire.Handle, p quire.Progress, failed *quire.Error) error
	// Budget returns what the project may spend. What ended executions have
	// cost counts from since on.
	Budget(ctx context.Context, id quire.ProjectID, since time.Time) (quire.Budget, error)
	// Cancelled returns the QUEUED executions that are asked to stop.
	Cancelled(ctx context.Context) ([]quire.ExecutionID, error)
}
