package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

func newSchedule(project quire.ProjectID) quire.Schedule {
	return quire.Schedule{
		ID: quire.ScheduleID(quire.NewID()), ProjectID: project, Name: "nightly",
		Timing: quire.ScheduleTiming{Interval: time.Hour, Anchor: start},
		Work: quire.ScheduledWork{
			Notebook: "a.ipynb", Inputs: map[string]any{"n": json.Number("3"), "s": "{{ scheduled_date }}"},
			OutputNames: []string{"total"}, Spec: "c1.8", Priority: 3,
		},
		CatchUp: quire.CatchUpLast, Overlap: quire.OverlapAllow,
		CreatedBy: "alice", CreatedAt: start, Next: start.Add(time.Hour),
	}
}

func addSchedule(t *testing.T, s Store, c quire.Schedule) quire.Schedule {
	t.Helper()
	op, err := s.CreateSchedule(t.Context(), c, operation(quire.OpCreateSchedule), 10)
	must(t, err)
	result(t, op, c.ID)
	return c
}

func schedules(t *testing.T, s Store) {
	ctx := t.Context()
	p, other := addProject(t, s, newProject()), addProject(t, s, newProject())
	first, second := addSchedule(t, s, newSchedule(p.ID)), addSchedule(t, s, newSchedule(p.ID))
	addSchedule(t, s, newSchedule(other.ID))
	got, err := s.Schedule(ctx, first.ID)
	must(t, err)
	same(t, "schedule", got, first)
	page, next, err := s.Schedules(ctx, quire.ScheduleFilter{ProjectID: p.ID, Page: quire.Page{Size: 1}})
	must(t, err)
	same(t, "first page", page, []quire.Schedule{first})
	page, next, err = s.Schedules(ctx, quire.ScheduleFilter{ProjectID: p.ID, Page: quire.Page{Size: 1, Token: next}})
	must(t, err)
	same(t, "second page", page, []quire.Schedule{second})
	same(t, "token", next, "")

	_, err = s.CreateSchedule(ctx, newSchedule(p.ID), operation(quire.OpCreateSchedule), 2)
	wantCode(t, err, quire.ResourceExhausted)
	_, err = s.CreateSchedule(ctx, newSchedule("nobody"), operation(quire.OpCreateSchedule), 2)
	wantCode(t, err, quire.NotFound)

	_, err = s.UpdateSchedule(ctx, first.ID, operation(quire.OpUpdateSchedule), func(c *quire.Schedule) error {
		c.Name, c.Paused, c.Next, c.ProjectID, c.CreatedBy = "daily", true, time.Time{}, other.ID, "mallory"
		return nil
	})
	must(t, err)
	first.Name, first.Paused, first.Next = "daily", true, time.Time{}
	got, err = s.Schedule(ctx, first.ID)
	must(t, err)
	same(t, "updated", got, first)

	_, err = s.DeleteSchedule(ctx, first.ID, operation(quire.OpDeleteSchedule))
	must(t, err)
	_, err = s.DeleteSchedule(ctx, first.ID, operation(quire.OpDeleteSchedule))
	wantCode(t, err, quire.NotFound)
	_, err = s.Schedule(ctx, first.ID)
	wantCode(t, err, quire.NotFound)
	_, err = s.UpdateSchedule(ctx, first.ID, operation(quire.OpUpdateSchedule), func(*quire.Schedule) error { return nil })
	wantCode(t, err, quire.NotFound)
}

func schedulesOfDeletedProject(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	c := addSchedule(t, s, newSchedule(p.ID))
	_, err := s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	must(t, err)
	_, err = s.Schedule(ctx, c.ID)
	wantCode(t, err, quire.NotFound)
	if _, ok, err := s.NextDue(ctx); ok || err != nil {
		t.Errorf("due: %t, %v, want nothing", ok, err)
	}
	if fired, err := s.Fire(ctx, c.ID, c.Next, c.Next.Add(time.Hour), nil, nil); fired || err != nil {
		t.Errorf("fired: %t, %v, want nothing", fired, err)
	}
	must(t, s.PurgeProject(ctx, p.ID))
}

func nextDue(t *testing.T, s Store) {
	ctx := t.Context()
	if _, ok, err := s.NextDue(ctx); ok || err != nil {
		t.Fatalf("due: %t, %v, want nothing", ok, err)
	}
	p := addProject(t, s, newProject())
	late, soon, never := newSchedule(p.ID), newSchedule(p.ID), newSchedule(p.ID)
	late.Next, soon.Next, never.Next = start.Add(2*time.Hour), start.Add(time.Hour), time.Time{}
	for _, c := range []quire.Schedule{late, soon, never} {
		addSchedule(t, s, c)
	}
	got, ok, err := s.NextDue(ctx)
	must(t, err)
	if same(t, "next", got, soon); !ok {
		t.Error("nothing is due")
	}
}

func fire(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	c := addSchedule(t, s, newSchedule(p.ID))
	due, next := c.Next, c.Next.Add(time.Hour)
	starting := func() *service.Start {
		e := newExecution(p.ID)
		e.Origin = quire.Origin{Schedule: c.ID, Scheduled: due}
		return &service.Start{Execution: e, Operation: executeOperation(e)}
	}
	busy := func(want bool) {
		t.Helper()
		got, err := s.ScheduleBusy(ctx, c.ID)
		must(t, err)
		same(t, "busy", got, want)
	}
	busy(false)
	for _, wrong := range []time.Time{due.Add(1), {}} {
		fired, err := s.Fire(ctx, c.ID, wrong, next, nil, starting())
		must(t, err)
		same(t, "fired at another time", fired, false)
	}
	full := starting()
	full.Most.Project = 1
	waiting := addExecution(t, s, newExecution(p.ID))
	_, err := s.Fire(ctx, c.ID, due, next, nil, full)
	wantCode(t, err, quire.ResourceExhausted)

	first := starting()
	last := &quire.Firing{Scheduled: due, At: due.Add(time.Second), Outcome: quire.FiringStarted, Execution: first.Execution.ID}
	for i := range 2 { // the second comes too late
		fired, err := s.Fire(ctx, c.ID, due, next, last, first)
		must(t, err)
		same(t, "fired", fired, i == 0)
	}
	busy(true)
	got, err := s.Schedule(ctx, c.ID)
	must(t, err)
	c.Next, c.Last = next, last
	same(t, "schedule", got, c)
	list, _, err := s.Executions(ctx, quire.ExecutionFilter{ProjectID: p.ID, Schedule: c.ID})
	must(t, err)
	same(t, "executions", list, []quire.Execution{first.Execution})
	op, err := s.Operation(ctx, first.Operation.ID)
	must(t, err)
	same(t, "operation", op, first.Operation)

	fired, err := s.Fire(ctx, c.ID, next, time.Time{}, nil, nil)
	must(t, err)
	same(t, "fired", fired, true)
	got, err = s.Schedule(ctx, c.ID)
	must(t, err)
	c.Next = time.Time{}
	same(t, "schedule", got, c)
	claim(t, s, "d1", waiting.ID)
	end(t, s, claim(t, s, "d1", first.Execution.ID), quire.Progress{State: quire.Failed})
	busy(false)
}
