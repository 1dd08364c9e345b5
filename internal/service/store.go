package service

import (
	"context"
	"time"

	"quire"
)

// Store is what the service keeps across restarts: the union of the small
// contracts below. Errors are *quire.Error where the caller is at fault
// (NotFound, AlreadyExists, FailedPrecondition) and plain where the store is.
// All methods are safe for concurrent use; each is one transaction.
type Store interface {
	CommunityStore
	ProjectStore
	OperationStore
	ExecutionStore
	UnitStore
	RetentionStore
	ScheduleStore
	SweepStore
	WebhookStore
}

// CommunityStore keeps communities. A mutation stores its done operation in
// the same transaction and returns it; if that operation carries an
// IdempotencyKey that its creator has used before, nothing is written and the
// earlier operation is returned as it is.
type CommunityStore interface {
	CreateCommunity(ctx context.Context, c quire.Community, op quire.Operation) (quire.Operation, error)
	Community(ctx context.Context, id quire.CommunityID) (quire.Community, error)
	// Communities returns a page, oldest first, and the token of the next one:
	// empty at the end. A token that the store did not give is InvalidArgument.
	Communities(ctx context.Context, f quire.CommunityFilter) ([]quire.Community, string, error)
	// UpdateCommunity stores what change makes of the community, but for its id,
	// creator and time of creation, and leaves the result in the operation. If
	// change fails, nothing is stored. Change must not call the store.
	UpdateCommunity(ctx context.Context, id quire.CommunityID, op quire.Operation, change func(*quire.Community) error) (quire.Operation, error)
	// DeleteCommunity refuses with FailedPrecondition while the community has
	// projects, and for quire.DefaultCommunity.
	DeleteCommunity(ctx context.Context, id quire.CommunityID, op quire.Operation) (quire.Operation, error)
}

// ProjectStore keeps projects; operations and idempotency are as in CommunityStore.
type ProjectStore interface {
	// CreateProject refuses with NotFound where there is no such community.
	CreateProject(ctx context.Context, p quire.Project, op quire.Operation) (quire.Operation, error)
	Project(ctx context.Context, id quire.ProjectID) (quire.Project, error)
	Projects(ctx context.Context, f quire.ProjectFilter) ([]quire.Project, string, error)
	UpdateProject(ctx context.Context, id quire.ProjectID, op quire.Operation, change func(*quire.Project) error) (quire.Operation, error)
	// DeleteProject hides the project and all it holds from every other
	// method but those of a DeletionStore and a dispatcher's, and stores op,
	// which is not done. It asks the project's executions to stop and ends the
	// QUEUED ones as ABORTED itself, for no dispatcher will see them; so does
	// a dispatcher's write that would put one back into the queue.
	DeleteProject(ctx context.Context, id quire.ProjectID, op quire.Operation) (quire.Operation, error)
}

// DeletionStore finishes what DeleteProject began, and knows what else may go.
type DeletionStore interface {
	// DeletedProjects returns the ids of the projects that wait for Purge.
	DeletedProjects(ctx context.Context) ([]quire.ProjectID, error)
	// ProjectExecutions returns the ids of a project's executions that match
	// ended, deleted projects included.
	ProjectExecutions(ctx context.Context, id quire.ProjectID, ended bool) ([]quire.ExecutionID, error)
	// PurgeProject removes the rows of a deleted project, of its executions and
	// of their operations, and marks its deletion's operation done. It refuses with
	// FailedPrecondition a project that is not deleted or has executions that
	// have not ended, and does nothing to one that is gone.
	PurgeProject(ctx context.Context, id quire.ProjectID) error
	// HasProject and HasExecution report whether there is such a row, of a
	// deleted project too.
	HasProject(ctx context.Context, id quire.ProjectID) (bool, error)
	HasExecution(ctx context.Context, id quire.ExecutionID) (bool, error)
}

// OperationStore finds operations.
type OperationStore interface {
	Operation(ctx context.Context, id quire.OperationID) (quire.Operation, error)
	// OperationByKey finds the operation that creator started under an
	// idempotency key; NotFound where there is none.
	OperationByKey(ctx context.Context, creator, key string) (quire.Operation, error)
}

// QueueLimits bound the executions that are QUEUED at a time; 0 means no limit.
type QueueLimits struct {
	Project int // of one project
	Server  int // of all of them
}

// ExecutionStore keeps executions.
type ExecutionStore interface {
	// CreateExecution stores a QUEUED execution with its operation, which is
	// not done; idempotency is as in CommunityStore. It refuses with NotFound
	// where there is no such project, and with ResourceExhausted where the
	// queue is full.
	CreateExecution(ctx context.Context, e quire.Execution, op quire.Operation, most QueueLimits) (quire.Operation, error)
	Execution(ctx context.Context, id quire.ExecutionID) (quire.Execution, error)
	// Executions returns a page, newest first.
	Executions(ctx context.Context, f quire.ExecutionFilter) ([]quire.Execution, string, error)
	// RequestCancel notes that the execution is to stop, once: it does nothing
	// to one that has ended or was asked before. It returns the execution.
	RequestCancel(ctx context.Context, id quire.ExecutionID) (quire.Execution, error)
}

// UnitStore keeps how many units a project has left.
type UnitStore interface {
	// UnitBalance returns nil where the project may spend without limit.
	UnitBalance(ctx context.Context, id quire.ProjectID) (*int64, error)
	// SetUnitBalance stores the balance with its done operation; idempotency is
	// as in CommunityStore.
	SetUnitBalance(ctx context.Context, id quire.ProjectID, balance *int64, op quire.Operation) (quire.Operation, error)
}

// RetentionStore forgets executions and operations.
type RetentionStore interface {
	// Expired returns up to limit of the project's ended executions: those that
	// ended before the given time, the oldest first; once there are none, those
	// beyond the newest keepLast. A negative keepLast keeps all.
	Expired(ctx context.Context, id quire.ProjectID, before time.Time, keepLast, limit int) ([]quire.ExecutionID, error)
	// RemoveExecutions removes the rows of ended executions and of their
	// operations, and adds them to those that Removed returns. It passes over
	// what is gone already or has not ended.
	RemoveExecutions(ctx context.Context, ids []quire.ExecutionID) error
	// Removed returns the executions that RemoveExecutions has removed and
	// ForgetRemoved was not told of: their folders may be there.
	Removed(ctx context.Context) ([]quire.ExecutionID, error)
	// ForgetRemoved drops executions whose folders are gone.
	ForgetRemoved(ctx context.Context, ids []quire.ExecutionID) error
	// RemoveOperations removes up to limit of the operations that were done
	// before the given time, those of executions apart, and returns how many.
	RemoveOperations(ctx context.Context, before time.Time, limit int) (int, error)
}
