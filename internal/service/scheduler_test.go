package service_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

// run runs the service until the returned function is called, which waits for
// its end.
func (h *house) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = h.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func (h *house) schedule(t *testing.T, c quire.Schedule) quire.Schedule {
	t.Helper()
	c.ProjectID, c.Work.Notebook = h.project, "reports/sales.ipynb"
	c, err := h.CreateSchedule(t.Context(), caller, c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fired returns when the executions of a schedule were due, the oldest first.
func (h *house) fired(t *testing.T, id quire.ScheduleID) []time.Time {
	t.Helper()
	var times []time.Time
	f := quire.ExecutionFilter{ProjectID: h.project, Schedule: id, Page: quire.Page{Size: 1000}}
	for {
		page, next, err := h.Executions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			times = append(times, e.Origin.Scheduled)
		}
		if f.Page.Token = next; next == "" {
			slices.Reverse(times)
			return times
		}
	}
}

// calm is a service that does not look for expired executions every minute of
// the fake clock.
func calm() *service.Options { return &service.Options{Expiry: 10_000 * time.Hour} }

func wait(d time.Duration) { <-time.After(d) }

// A year of the fake clock, which begins in 2000, with the clocks put forward
// and back in three zones, and with servers that stop and come back.
func TestScheduleYear(t *testing.T) {
	plans := []struct {
		zone         string
		hour, minute int
		catchUp      quire.CatchUp
	}{
		{"Europe/Berlin", 2, 30, quire.CatchUpAll},        // skipped on 26 March, twice on 29 October
		{"America/New_York", 1, 30, quire.CatchUpLast},    // twice on 29 October
		{"Australia/Lord_Howe", 2, 15, quire.CatchUpSkip}, // the clocks go by half an hour
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, calm())
		begin := time.Now()
		var schedules []quire.Schedule
		for _, p := range plans {
			schedules = append(schedules, h.schedule(t, quire.Schedule{
				Timing:  quire.ScheduleTiming{Cron: fmt.Sprintf("%d %d * * *", p.minute, p.hour), Zone: p.zone},
				CatchUp: p.catchUp,
			}))
		}
		every := h.schedule(t, quire.Schedule{Timing: quire.ScheduleTiming{Interval: 97 * time.Hour}, CatchUp: quire.CatchUpAll})

		random := rand.New(rand.NewPCG(2000, 1))
		type gap struct{ stopped, started time.Time }
		var gaps []gap
		for time.Since(begin) < 365*24*time.Hour {
			stop := h.run(t)
			wait(time.Duration(1+random.IntN(20*24*60)) * time.Minute)
			synctest.Wait()
			stop()
			stopped := time.Now()
			wait(time.Duration(random.IntN(4*24*60)) * time.Minute)
			gaps = append(gaps, gap{stopped, time.Now()})
		}
		end := time.Now()
		stop := h.run(t)
		synctest.Wait()
		stop()

		for i, p := range plans {
			zone, err := time.LoadLocation(p.zone)
			if err != nil {
				t.Fatal(err)
			}
			var want []time.Time
			for _, due := range daily(begin, end, zone, p.hour, p.minute) {
				if last := len(want) - 1; last >= 0 && p.catchUp == quire.CatchUpLast && slices.ContainsFunc(gaps, func(g gap) bool {
					return want[last].After(g.stopped) && !due.After(g.started.Add(-quire.LateAfter))
				}) {
					want[last] = due // both are missed in one gap
					continue
				}
				if p.catchUp == quire.CatchUpSkip && slices.ContainsFunc(gaps, func(g gap) bool {
					return due.After(g.stopped) && !due.After(g.started.Add(-quire.LateAfter))
				}) {
					continue
				}
				want = append(want, due)
			}
			if diff := cmp.Diff(h.fired(t, schedules[i].ID), want); diff != "" {
				t.Errorf("%d:%02d in %s, %s (-got +want):\n%s", p.hour, p.minute, p.zone, p.catchUp, diff)
			}
		}
		var want []time.Time
		for due := begin.Add(97 * time.Hour); !due.After(end); due = due.Add(97 * time.Hour) {
			want = append(want, due.UTC())
		}
		if diff := cmp.Diff(h.fired(t, every.ID), want); diff != "" {
			t.Errorf("every 97 hours (-got +want):\n%s", diff)
		}
	})
}

// daily looks at every minute: the time of day is due at the first one that
// shows it, or that shows a later one where the clocks skip it.
func daily(after, until time.Time, zone *time.Location, hour, minute int) []time.Time {
	var due []time.Time
	var done int // the last day whose time has come
	for t := after.Add(-24 * time.Hour); !t.After(until); t = t.Add(time.Minute) {
		local := t.In(zone)
		day := local.Year()*1000 + local.YearDay()
		if day != done && local.Hour()*60+local.Minute() >= hour*60+minute {
			done = day
			if t.After(after) {
				due = append(due, t.UTC())
			}
		}
	}
	return due
}

func TestScheduleOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, calm())
		c := h.schedule(t, quire.Schedule{Timing: quire.ScheduleTiming{Interval: time.Hour}, Overlap: quire.OverlapSkip})
		defer h.run(t)()
		outcome := func(want quire.FiringOutcome, executions int) {
			t.Helper()
			wait(time.Hour + time.Minute)
			synctest.Wait()
			got, err := h.Schedule(t.Context(), c.ID)
			if err != nil || got.Last == nil || got.Last.Outcome != want || len(h.fired(t, c.ID)) != executions {
				t.Fatalf("got %+v, %v, want %s and %d executions", got.Last, err, want, executions)
			}
		}
		outcome(quire.FiringStarted, 1)
		outcome(quire.FiringSkipped, 1)
		h.end(t, h.claim(t), quire.Succeeded, nil)
		outcome(quire.FiringStarted, 2)
		h.end(t, h.claim(t), quire.Succeeded, nil)
		if err := h.DeleteFile(t.Context(), h.project, "reports/sales.ipynb"); err != nil {
			t.Fatal(err)
		}
		outcome(quire.FiringRefused, 2)
		h.put(t, "reports/sales.ipynb", notebook)
		outcome(quire.FiringStarted, 3)
	})
}

func TestCatchUpIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, calm())
		c := h.schedule(t, quire.Schedule{Timing: quire.ScheduleTiming{Cron: "* * * * *"}, CatchUp: quire.CatchUpAll})
		wait(10 * 24 * time.Hour)
		now := time.Now().UTC()
		stop := h.run(t)
		synctest.Wait()
		stop()
		got := h.fired(t, c.ID)
		if len(got) != quire.MaxCatchUp+1 || !got[len(got)-1].Equal(now) {
			t.Errorf("got %d executions, the last due at %s, want those missed and the one due now", len(got), got[len(got)-1])
		}
	})
}

func TestScheduleInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, calm())
		c := quire.Schedule{Name: "nightly", Timing: quire.ScheduleTiming{Cron: "30 23 * * *", Zone: "Asia/Kolkata"}}
		c.Work.Inputs = map[string]any{
			"at": "{{ scheduled_time }}", "day": "{{scheduled_date}}/{{ scheduled_hour }}", "list": []any{"{{ schedule_name }}", true}, "text": "{{ open }} x }}",
		}
		c.Work.OutputNames, c.Work.Priority = []string{"total"}, 5
		c = h.schedule(t, c)
		stop := h.run(t)
		wait(24 * time.Hour)
		synctest.Wait()
		stop()
		e := h.claim(t)
		want := map[string]any{
			"at": "2000-01-01T23:30:00+05:30", "day": "2000-01-01/23", "list": []any{"nightly", true}, "text": "{{ x }}",
		}
		if diff := cmp.Diff(e.Inputs, want); diff != "" {
			t.Errorf("inputs (-got +want):\n%s", diff)
		}
		if due := time.Date(2000, 1, 1, 18, 0, 0, 0, time.UTC); !e.Origin.Scheduled.Equal(due) || e.Origin.Schedule != c.ID || e.Priority != 5 {
			t.Errorf("got %+v, priority %d", e.Origin, e.Priority)
		}
	})
}

// What is paused is not due, and nothing of that is made up for.
func TestSchedulePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, calm())
		c := h.schedule(t, quire.Schedule{Timing: quire.ScheduleTiming{Cron: "@hourly"}, CatchUp: quire.CatchUpAll})
		defer h.run(t)()
		set := func(paused bool) {
			t.Helper()
			if _, err := h.UpdateSchedule(t.Context(), caller, quire.Schedule{ID: c.ID, Paused: paused}, []string{"paused"}); err != nil {
				t.Fatal(err)
			}
		}
		wait(90 * time.Minute)
		set(true)
		if got, err := h.Schedule(t.Context(), c.ID); err != nil || !got.Next.IsZero() || h.Upcoming(got, 5) != nil {
			t.Errorf("got next %s, %v, want none", got.Next, err)
		}
		wait(5 * time.Hour)
		e, err := h.RunSchedule(t.Context(), caller, c.ID)
		if err != nil || !e.Origin.Scheduled.Equal(time.Now()) {
			t.Errorf("run now: got %+v, %v", e.Origin, err)
		}
		set(false)
		wait(time.Hour)
		synctest.Wait()
		if got := h.fired(t, c.ID); len(got) != 3 || got[2].Sub(got[0]) != 6*time.Hour {
			t.Errorf("got %v", got)
		}
	})
}
