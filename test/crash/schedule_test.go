package crash_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"quire"
	"quire/internal/crash"
	"quire/internal/sqlite"
)

// schedule: a due time that a server dies at is dealt with by the next one,
// once: the time that the dead server was in the middle of has one execution.
func schedule(t *testing.T, w *world, point string) {
	s := w.start(t, "")
	a := s.call(t, "POST", "/quire/v1/projects/"+s.project+"/schedules", "", object{"interval": "60s", "notebook": countsNotebook, "catchUp": "CATCH_UP_ALL"})
	var made struct{ ID string }
	if err := json.Unmarshal(a.body, &made); err != nil || a.status != 200 {
		t.Fatalf("create schedule: %d %s %v", a.status, a.body, err)
	}
	s.stop(t)
	w.advance(t, made.ID)

	s = w.start(t, point)
	s.killed(t)
	s = w.start(t, "")
	var last struct{ ExecutionID string }
	s.until(t, "the due time has its execution", func() bool {
		var got struct {
			Last *struct{ ExecutionID string }
		}
		a := s.call(t, "GET", "/quire/v1/schedules/"+made.ID, "", nil)
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != 200 {
			t.Fatalf("get schedule: %d %s %v", a.status, a.body, err)
		}
		if got.Last != nil {
			last = *got.Last
		}
		return got.Last != nil
	})
	if due := s.executions(t); len(due) != 2 || due[0] != last.ExecutionID { // beside that of every world
		t.Errorf("there are the executions %q, want one of the schedule, %q", due, last.ExecutionID)
	}
	s.wantStatus(t, last.ExecutionID, "OK")
	w.ranOnce(t, s, 2)
}

var schedulePoints = at(crash.ScheduleDue, crash.SubmitBegin, crash.SubmitFilled, crash.SubmitFolder, crash.SubmitStored, crash.ScheduleFired)

// advance makes a schedule due at once, as if its time had come.
func (w *world) advance(t *testing.T, id string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(w.data, "quire.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	op := quire.Operation{ID: quire.OperationID(quire.NewID()), Kind: quire.OpUpdateSchedule, CreatedBy: "admin"}
	if _, err := store.UpdateSchedule(t.Context(), quire.ScheduleID(id), op, func(c *quire.Schedule) error {
		c.Timing.Interval, c.Next = quire.MaxInterval, time.Now().Truncate(time.Second)
		c.Timing.Anchor = c.Next.Add(-c.Timing.Interval)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
