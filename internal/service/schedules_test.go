package service_test

import (
	"strings"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

func TestScheduleRefused(t *testing.T) {
	h := newHouse(t, nil)
	for _, tt := range []struct {
		change         func(*quire.Schedule)
		code           quire.Code
		field, message string
	}{
		{func(c *quire.Schedule) { c.ProjectID = "nope" }, quire.NotFound, "project_id: ", "nope"},
		{func(c *quire.Schedule) { c.Timing.Cron = "" }, quire.InvalidArgument, "cron: ", "one of them"},
		{func(c *quire.Schedule) { c.Timing.Zone = "Mars" }, quire.InvalidArgument, "time_zone: ", "Mars"},
		{func(c *quire.Schedule) { c.Name = strings.Repeat("x", 64) }, quire.InvalidArgument, "name: ", "63"},
		{func(c *quire.Schedule) { c.Work.Notebook = "nope.ipynb" }, quire.NotFound, "notebook: ", "nope.ipynb"},
		{func(c *quire.Schedule) { c.Work.Notebook = "" }, quire.InvalidArgument, "notebook: ", "empty"},
		{func(c *quire.Schedule) { c.Work.Spec = "huge" }, quire.InvalidArgument, "spec: ", "huge"},
		{func(c *quire.Schedule) { c.Work.Priority = 101 }, quire.InvalidArgument, "priority: ", "100"},
		{func(c *quire.Schedule) { c.Work.OutputNames = []string{"a b"} }, quire.InvalidArgument, "output_variable_names: ", "a b"},
		{func(c *quire.Schedule) { c.Work.Inputs = map[string]any{"a": "{{ now }}"} }, quire.InvalidArgument, "input_variables: ", "{{ now }}"},
		{func(c *quire.Schedule) { c.Work.Inputs = map[string]any{"a": []any{"{{x"}} }, quire.InvalidArgument, "input_variables: ", "{{ open }}"},
		{func(c *quire.Schedule) { c.Work.Inputs = map[string]any{"1": "a"} }, quire.InvalidArgument, "input_variables: ", "no name"},
	} {
		c := quire.Schedule{
			ProjectID: h.project, Timing: quire.ScheduleTiming{Cron: "@daily"}, Work: quire.ScheduledWork{Notebook: "reports/sales.ipynb"},
		}
		tt.change(&c)
		_, err := h.CreateSchedule(t.Context(), caller, c)
		wantCode(t, err, tt.code, tt.field, tt.message)
	}
}

func TestScheduleUpdate(t *testing.T) {
	h := newHouse(t, nil)
	c := h.schedule(t, quire.Schedule{Timing: quire.ScheduleTiming{Cron: "@daily"}})
	if c.Name != string(c.ID) || c.CatchUp != quire.CatchUpLast || c.Overlap != quire.OverlapAllow || len(h.Upcoming(c, 5)) != 5 {
		t.Errorf("got %+v", c)
	}
	update := func(patch quire.Schedule, mask ...string) (quire.Schedule, error) {
		patch.ID = c.ID
		return h.UpdateSchedule(t.Context(), caller, patch, mask)
	}
	_, err := update(quire.Schedule{}, "id")
	wantCode(t, err, quire.InvalidArgument, "update_mask: ", "cannot be updated")
	_, err = update(quire.Schedule{Timing: quire.ScheduleTiming{Interval: time.Hour}}, "interval")
	wantCode(t, err, quire.InvalidArgument, "cron: ", "one of them")

	// Its notebook is gone: that is no reason against a new time.
	if err := h.DeleteFile(t.Context(), h.project, "reports/sales.ipynb"); err != nil {
		t.Fatal(err)
	}
	got, err := update(quire.Schedule{Timing: quire.ScheduleTiming{Interval: time.Hour}}, "interval", "cron")
	if err != nil || got.Timing.Cron != "" || !got.Next.Equal(got.Timing.Anchor.Add(time.Hour)) || got.Work.Notebook != c.Work.Notebook {
		t.Errorf("got %+v, %v", got, err)
	}

	call := service.Call{Caller: "admin", IdempotencyKey: "key", Digest: "digest"}
	for range 2 {
		if err := h.DeleteSchedule(t.Context(), call, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.Schedule(t.Context(), c.ID)
	wantCode(t, err, quire.NotFound, "schedule_id: ", string(c.ID))
	wantCode(t, h.DeleteSchedule(t.Context(), caller, c.ID), quire.NotFound, "schedule_id: ", string(c.ID))
}

// A repeated creation makes one schedule, a repeated run one execution.
func TestScheduleRepeated(t *testing.T) {
	h := newHouse(t, nil)
	call := service.Call{Caller: "admin", IdempotencyKey: "key", Digest: "digest"}
	c := quire.Schedule{ProjectID: h.project, Timing: quire.ScheduleTiming{Cron: "@daily"}, Work: quire.ScheduledWork{Notebook: "reports/sales.ipynb"}}
	first, err := h.CreateSchedule(t.Context(), call, c)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.CreateSchedule(t.Context(), call, c); err != nil || again.ID != first.ID {
		t.Errorf("got %q, %v, want %q", again.ID, err, first.ID)
	}
	call.IdempotencyKey = "other"
	e, err := h.RunSchedule(t.Context(), call, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.RunSchedule(t.Context(), call, first.ID); err != nil || again.ID != e.ID {
		t.Errorf("got %q, %v, want %q", again.ID, err, e.ID)
	}
	if list, _, err := h.Schedules(t.Context(), quire.ScheduleFilter{ProjectID: h.project}); err != nil || len(list) != 1 {
		t.Errorf("got %d schedules, %v, want 1", len(list), err)
	}
}
