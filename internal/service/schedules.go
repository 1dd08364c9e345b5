package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"quire"
	"quire/internal/calendar"
)

var scheduleFields = []field[quire.Schedule]{
	{"name", func(dst, src *quire.Schedule) { dst.Name = src.Name }},
	{"cron", func(dst, src *quire.Schedule) { dst.Timing.Cron = src.Timing.Cron }},
	{"time_zone", func(dst, src *quire.Schedule) { dst.Timing.Zone = src.Timing.Zone }},
	{"interval", func(dst, src *quire.Schedule) { dst.Timing.Interval = src.Timing.Interval }},
	{"notebook", func(dst, src *quire.Schedule) { dst.Work.Notebook = src.Work.Notebook }},
	{"input_variables", func(dst, src *quire.Schedule) { dst.Work.Inputs = src.Work.Inputs }},
	{"output_variable_names", func(dst, src *quire.Schedule) { dst.Work.OutputNames = src.Work.OutputNames }},
	{"spec", func(dst, src *quire.Schedule) { dst.Work.Spec = src.Work.Spec }},
	{"priority", func(dst, src *quire.Schedule) { dst.Work.Priority = src.Work.Priority }},
	{"catch_up", func(dst, src *quire.Schedule) { dst.CatchUp = src.CatchUp }},
	{"overlap", func(dst, src *quire.Schedule) { dst.Overlap = src.Overlap }},
	{"paused", func(dst, src *quire.Schedule) { dst.Paused = src.Paused }},
}

// CreateSchedule creates a schedule with the fields that a client can set.
func (s *Service) CreateSchedule(ctx context.Context, call Call, c quire.Schedule) (quire.Schedule, error) {
	if first, ok, err := s.repeated(ctx, call); err != nil || ok {
		return s.scheduleOf(ctx, first, err)
	}
	if _, err := s.store.Project(ctx, c.ProjectID); err != nil {
		return quire.Schedule{}, atField("project_id", err)
	}
	c.ID = quire.ScheduleID(quire.NewID())
	c.CreatedBy, c.CreatedAt = call.Caller, s.now().UTC()
	if err := s.settle(ctx, &c, quire.Schedule{}); err != nil {
		return quire.Schedule{}, err
	}
	op := s.operation(call, quire.OpCreateSchedule, "Create schedule")
	op.ProjectID = c.ProjectID
	op, err := s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.CreateSchedule(ctx, c, op, quire.MaxSchedules)
	})
	s.scheduled.ring()
	return s.scheduleOf(ctx, op, err)
}

// scheduleOf returns the schedule that an operation has created or changed.
func (s *Service) scheduleOf(ctx context.Context, op quire.Operation, err error) (quire.Schedule, error) {
	if err != nil {
		return quire.Schedule{}, err
	}
	var id quire.ScheduleID
	if err := json.Unmarshal(op.Result, &id); err != nil {
		return quire.Schedule{}, fmt.Errorf("read the operation's result: %w", err)
	}
	return s.Schedule(ctx, id)
}

// Schedule returns a schedule.
func (s *Service) Schedule(ctx context.Context, id quire.ScheduleID) (quire.Schedule, error) {
	c, err := s.store.Schedule(ctx, id)
	return c, atField("schedule_id", err)
}

// Schedules returns a page of a project's schedules, oldest first, and the
// token of the next one, empty at the end.
func (s *Service) Schedules(ctx context.Context, f quire.ScheduleFilter) ([]quire.Schedule, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if _, err := s.store.Project(ctx, f.ProjectID); err != nil {
		return nil, "", atField("project_id", err)
	}
	return s.store.Schedules(ctx, f)
}

// Upcoming returns the due times that come next, most at most.
func (s *Service) Upcoming(c quire.Schedule, most int) []time.Time {
	cal, err := calendar.New(c.Timing)
	if err != nil {
		return nil
	}
	var times []time.Time
	for t := c.Next; !t.IsZero() && len(times) < most; t = cal.Next(t) {
		times = append(times, t)
	}
	return times
}

// UpdateSchedule takes over from patch, whose ID says which schedule is meant,
// the fields that mask names; all of them where it names none.
func (s *Service) UpdateSchedule(ctx context.Context, call Call, patch quire.Schedule, mask []string) (quire.Schedule, error) {
	if err := checkMask(scheduleFields, mask); err != nil {
		return quire.Schedule{}, err
	}
	if first, ok, err := s.repeated(ctx, call); err != nil || ok {
		return s.scheduleOf(ctx, first, err)
	}
	old, err := s.Schedule(ctx, patch.ID)
	if err != nil {
		return quire.Schedule{}, err
	}
	now := old
	merge(scheduleFields, &now, &patch, mask)
	if err := s.settle(ctx, &now, old); err != nil {
		return quire.Schedule{}, err
	}
	op := s.operation(call, quire.OpUpdateSchedule, "Update schedule")
	op.ProjectID = old.ProjectID
	op, err = s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.UpdateSchedule(ctx, patch.ID, op, func(c *quire.Schedule) error {
			next := c.Next // it may have moved on since
			if !reflect.DeepEqual(now.Timing, old.Timing) || now.Paused != old.Paused {
				next = now.Next
			}
			merge(scheduleFields, c, &now, mask)
			c.Timing.Anchor, c.Next = now.Timing.Anchor, next
			c.Name, c.CatchUp, c.Overlap = now.Name, now.CatchUp, now.Overlap
			return nil
		})
	})
	s.scheduled.ring()
	return s.scheduleOf(ctx, op, err)
}

// DeleteSchedule removes a schedule; its executions stay.
func (s *Service) DeleteSchedule(ctx context.Context, call Call, id quire.ScheduleID) error {
	op := s.operation(call, quire.OpDeleteSchedule, "Delete schedule")
	_, err := s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.DeleteSchedule(ctx, id, op)
	})
	return atField("schedule_id", err)
}

// settle fills in what the client has left out, checks what differs from old,
// and computes when the schedule is due.
func (s *Service) settle(ctx context.Context, c *quire.Schedule, old quire.Schedule) error {
	now := s.now().UTC()
	c.Name = cmp.Or(c.Name, string(c.ID))
	c.CatchUp = cmp.Or(c.CatchUp, quire.CatchUpLast)
	c.Overlap = cmp.Or(c.Overlap, quire.OverlapAllow)
	if err := checkTexts(c.Name, "", nil); err != nil {
		return err
	}
	if c.Timing.Interval != old.Timing.Interval {
		c.Timing.Anchor = now.Truncate(time.Second)
	}
	cal, err := calendar.New(c.Timing)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(c.Work, old.Work) || c.Name != old.Name {
		if err := s.checkWork(ctx, *c, old.Work, now.In(cal.Zone())); err != nil {
			return err
		}
	}
	if c.Next = (time.Time{}); !c.Paused {
		if c.Last != nil && c.Last.Scheduled.After(now) { // the server's clock was put back
			now = c.Last.Scheduled
		}
		c.Next = cal.Next(now).UTC()
	}
	return nil
}

// checkWork refuses what could not be executed now.
func (s *Service) checkWork(ctx context.Context, c quire.Schedule, old quire.ScheduledWork, now time.Time) error {
	if err := quire.CheckPlaceholders("input_variables", c.Work.Inputs); err != nil {
		return err
	}
	if err := quire.CheckInputs("input_variables", c.RenderInputs(now)); err != nil {
		return err
	}
	if err := quire.CheckOutputNames("output_variable_names", c.Work.OutputNames); err != nil {
		return err
	}
	if err := checkPriority("priority", c.Work.Priority); err != nil {
		return err
	}
	if c.Work.Spec != "" {
		if _, err := s.catalogue.Lookup("spec", c.Work.Spec); err != nil {
			return err
		}
	}
	if c.Work.Notebook == old.Notebook && old.Notebook != "" {
		return nil
	}
	target, err := parseTarget(c.Work.Notebook, false)
	if err == nil {
		_, err = s.readTarget(ctx, c.ProjectID, &target)
	}
	return atField("notebook", err)
}
