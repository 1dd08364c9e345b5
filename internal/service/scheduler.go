package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quire"
	"quire/internal/calendar"
	"quire/internal/crash"
)

const (
	scheduleRetry = 5 * time.Second // from a due time that failed to the next attempt

	// scheduleWait bounds the wait for a due time: timers do not see that the
	// machine's clock was set or that it has slept.
	scheduleWait = 10 * time.Minute
)

// fireUntilDone fires schedules when they are due, until ctx ends. When that is
// stands in the store, so that a new server goes on where the last one was.
func (s *Service) fireUntilDone(ctx context.Context) {
	for {
		changed := s.scheduled.heard()
		wait, err := s.fireDue(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "schedules are not fired", "error", err)
			wait = scheduleRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// fireDue fires what is due by now, the longest due first, and returns how long
// to wait for the next.
func (s *Service) fireDue(ctx context.Context) (time.Duration, error) {
	for {
		c, ok, err := s.store.NextDue(ctx)
		if err != nil {
			return 0, err
		}
		if !ok {
			return scheduleWait, nil
		}
		now := s.now()
		if wait := c.Next.Sub(now); wait > 0 {
			return min(wait, scheduleWait), nil
		}
		crash.At(crash.ScheduleDue)
		if err := s.fire(ctx, c, now); err != nil {
			return 0, fmt.Errorf("schedule %s: %w", c.ID, err)
		}
		crash.At(crash.ScheduleFired)
	}
}

// fire deals with one due time of the schedule, and with those before it that
// its policy passes over.
func (s *Service) fire(ctx context.Context, c quire.Schedule, now time.Time) error {
	cal, err := calendar.New(c.Timing)
	if err != nil { // by an older server's zones it was right
		last := &quire.Firing{Scheduled: c.Next, At: now.UTC(), Outcome: quire.FiringRefused, Message: err.Error()}
		_, err := s.store.Fire(ctx, c.ID, c.Next, time.Time{}, last, nil)
		return err
	}
	due, missed := dueTime(c, cal, now)
	if missed {
		_, err := s.store.Fire(ctx, c.ID, c.Next, due.UTC(), nil, nil)
		return err
	}
	next := cal.Next(due).UTC()
	last := &quire.Firing{Scheduled: due.UTC(), At: now.UTC()}
	busy := false
	if c.Overlap == quire.OverlapSkip {
		if busy, err = s.store.ScheduleBusy(ctx, c.ID); err != nil {
			return err
		}
	}
	if busy {
		last.Outcome = quire.FiringSkipped
		_, err := s.store.Fire(ctx, c.ID, c.Next, next, last, nil)
		return err
	}
	err = s.startScheduled(ctx, c, due, next, last)
	message, final := refusal(err, now.Sub(c.Next))
	if !final {
		return err
	}
	s.log.WarnContext(ctx, "schedule cannot start an execution", "schedule_id", c.ID, "project_id", c.ProjectID, "error", err)
	last.Outcome, last.Execution, last.Message = quire.FiringRefused, "", message
	_, err = s.store.Fire(ctx, c.ID, c.Next, next, last, nil)
	return err
}

// dueTime returns which due time is to be dealt with: the one that comes next
// or, where that is late, what the schedule's policy makes of it. Missed says
// that the one returned is still to come.
func dueTime(c quire.Schedule, cal *calendar.Calendar, now time.Time) (due time.Time, missed bool) {
	late := now.Add(-quire.LateAfter)
	if c.Next.After(late) {
		return c.Next.In(cal.Zone()), false
	}
	most := 1
	switch c.CatchUp {
	case quire.CatchUpSkip:
		due = cal.Next(late)
		return due, due.IsZero() || due.After(now)
	case quire.CatchUpAll:
		most = quire.MaxCatchUp
	case quire.CatchUpLast:
	}
	if times := cal.Newest(c.Next, late, most); len(times) > 0 {
		return times[0], false
	}
	return c.Next.In(cal.Zone()), false // a newer version of the zone's rules does not have it
}

// startScheduled submits the execution of a due time. The execution, its
// operation and the schedule's move to the next due time are one transaction.
func (s *Service) startScheduled(ctx context.Context, c quire.Schedule, due, next time.Time, last *quire.Firing) error {
	e, input, most, err := s.prepareScheduled(ctx, c, due)
	if err != nil {
		return err
	}
	op := s.operation(Call{Caller: c.CreatedBy}, quire.OpExecute, "Execute notebook by schedule")
	own(&e, &op)
	last.Outcome, last.Execution = quire.FiringStarted, e.ID
	return s.keep(ctx, e.ID, input, func() (bool, error) {
		return s.store.Fire(ctx, c.ID, c.Next, next, last, &Start{e, op, most})
	})
}

func (s *Service) prepareScheduled(ctx context.Context, c quire.Schedule, due time.Time) (quire.Execution, submission, QueueLimits, error) {
	e, input, most, err := s.prepare(ctx, ExecuteRequest{
		ProjectID: c.ProjectID, Target: c.Work.Notebook, Inputs: c.RenderInputs(due),
		OutputNames: c.Work.OutputNames, Spec: c.Work.Spec, Priority: c.Work.Priority,
	})
	e.Origin = quire.Origin{Schedule: c.ID, Scheduled: due.UTC()}
	return e, input, most, err
}

// refusal reports whether a due time passes without an execution, and why, in
// words for the client. What is Quire's own fault is tried again, but not for
// ever: other schedules wait behind it.
func refusal(err error, late time.Duration) (message string, final bool) {
	if err == nil {
		return "", false
	}
	if e, ok := errors.AsType[*quire.Error](err); ok && e.Code != quire.Internal {
		return e.Error(), true
	}
	if late <= quire.LateAfter {
		return "", false
	}
	if short := quire.Shortage(err); short != nil {
		return short.Message, true
	}
	return "Quire could not start it; its log says why.", true
}

// RunSchedule executes a schedule's notebook now, whether it is paused or busy
// or not.
func (s *Service) RunSchedule(ctx context.Context, call Call, id quire.ScheduleID) (quire.Execution, error) {
	if first, ok, err := s.repeated(ctx, call); err != nil {
		return quire.Execution{}, err
	} else if ok {
		return s.Execution(ctx, quire.ExecutionID(first.ID))
	}
	c, err := s.Schedule(ctx, id)
	if err != nil {
		return quire.Execution{}, err
	}
	cal, err := calendar.New(c.Timing)
	if err != nil {
		return quire.Execution{}, err
	}
	e, input, most, err := s.prepareScheduled(ctx, c, s.now().In(cal.Zone()))
	if err != nil {
		return quire.Execution{}, err
	}
	op := s.operation(call, quire.OpExecute, "Execute notebook by schedule, now")
	stored, err := s.submit(ctx, call, op, e, input, most)
	if err != nil {
		return quire.Execution{}, err
	}
	return s.Execution(ctx, quire.ExecutionID(stored.ID))
}
