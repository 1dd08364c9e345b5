package service

import (
	"context"
	"time"

	"quire"
)

// ScheduleStore keeps schedules; operations and idempotency are as in
// CommunityStore. The result of a creation or a change is the schedule's id.
// The schedules of a deleted project are not there, and go with its purge.
type ScheduleStore interface {
	// CreateSchedule refuses with NotFound where there is no such project, and
	// with ResourceExhausted where that has most schedules.
	CreateSchedule(ctx context.Context, c quire.Schedule, op quire.Operation, most int) (quire.Operation, error)
	Schedule(ctx context.Context, id quire.ScheduleID) (quire.Schedule, error)
	// Schedules returns a page, oldest first.
	Schedules(ctx context.Context, f quire.ScheduleFilter) ([]quire.Schedule, string, error)
	// UpdateSchedule stores what change makes of the schedule, but for its id,
	// project, creator, time of creation and last firing. Change must not call
	// the store.
	UpdateSchedule(ctx context.Context, id quire.ScheduleID, op quire.Operation, change func(*quire.Schedule) error) (quire.Operation, error)
	DeleteSchedule(ctx context.Context, id quire.ScheduleID, op quire.Operation) (quire.Operation, error)

	// NextDue returns the schedule whose Next is the earliest, and false where
	// none has one.
	NextDue(ctx context.Context) (quire.Schedule, bool, error)
	// ScheduleBusy reports whether an execution of the schedule has not ended.
	ScheduleBusy(ctx context.Context, id quire.ScheduleID) (bool, error)
	// Fire moves the schedule's Next from due to next, leaves last, unless that
	// is nil, as its last firing and, where start is not nil, creates the
	// execution as CreateExecution does. It returns false, and has done nothing,
	// where Next is not due: it was dealt with, or the schedule has changed.
	Fire(ctx context.Context, id quire.ScheduleID, due, next time.Time, last *quire.Firing, start *Start) (bool, error)
}

// Start is an execution to create.
type Start struct {
	Execution quire.Execution
	Operation quire.Operation
	Most      QueueLimits
}
