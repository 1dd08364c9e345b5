package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

func newSweep(project quire.ProjectID) (quire.Sweep, []service.Start) {
	w := quire.Sweep{
		ID: quire.SweepID(quire.NewID()), ProjectID: project, Total: 3,
		Work:   quire.ScheduledWork{Notebook: "a.ipynb", OutputNames: []string{"score"}},
		Values: map[string][]any{"n": {json.Number("1"), json.Number("2"), "x"}}, CreatedBy: "alice", CreatedAt: start,
	}
	starts := make([]service.Start, w.Total)
	for i := range starts {
		e := newExecution(project)
		e.Origin = quire.Origin{Sweep: w.ID, Number: i}
		starts[i] = service.Start{Execution: e, Operation: executeOperation(e)}
	}
	return w, starts
}

func sweeps(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	full, starts := newSweep(p.ID)
	starts[2].Most.Project = 2
	_, err := s.CreateSweep(ctx, full, starts, operation(quire.OpCreateSweep))
	wantCode(t, err, quire.ResourceExhausted)
	_, err = s.Sweep(ctx, full.ID)
	wantCode(t, err, quire.NotFound)
	_, err = s.Execution(ctx, starts[0].Execution.ID)
	wantCode(t, err, quire.NotFound)

	w, starts := newSweep(p.ID)
	op, err := s.CreateSweep(ctx, w, starts, withKey(quire.OpCreateSweep, "key"))
	must(t, err)
	result(t, op, w.ID)
	other, others := newSweep(p.ID)
	again, err := s.CreateSweep(ctx, other, others, withKey(quire.OpCreateSweep, "key"))
	must(t, err)
	same(t, "operation of the first", again, op)

	want := func(states map[quire.State]int) {
		t.Helper()
		w.States = states
		got, err := s.Sweep(ctx, w.ID)
		must(t, err)
		same(t, "sweep", got, w)
		page, next, err := s.Sweeps(ctx, quire.SweepFilter{ProjectID: p.ID})
		must(t, err)
		same(t, "sweeps", page, []quire.Sweep{w})
		same(t, "token", next, "")
	}
	want(map[quire.State]int{quire.Queued: 3})
	end(t, s, claim(t, s, "d1", starts[0].Execution.ID), quire.Progress{
		State: quire.Succeeded, Timing: quire.Timing{Finished: start.Add(time.Minute)},
	})
	want(map[quire.State]int{quire.Queued: 2, quire.Succeeded: 1})
	list, _, err := s.Executions(ctx, quire.ExecutionFilter{ProjectID: p.ID, Sweep: w.ID})
	must(t, err)
	same(t, "executions", len(list), 3)

	for _, n := range []int{2, 0} {
		ids, err := s.CancelSweep(ctx, w.ID)
		must(t, err)
		same(t, "asked to stop", len(ids), n)
	}
	ids, err := s.Cancelled(ctx)
	must(t, err)
	same(t, "cancelled", ids, []quire.ExecutionID{starts[1].Execution.ID, starts[2].Execution.ID})

	// It goes with the last of its executions.
	for range 2 {
		e := claimAny(t, s, -1)
		end(t, s, e, quire.Progress{State: quire.Aborted, Timing: quire.Timing{Finished: start.Add(time.Minute)}})
	}
	must(t, s.RemoveExecutions(ctx, []quire.ExecutionID{starts[0].Execution.ID, starts[1].Execution.ID}))
	want(map[quire.State]int{quire.Aborted: 1})
	must(t, s.RemoveExecutions(ctx, []quire.ExecutionID{starts[2].Execution.ID}))
	_, err = s.Sweep(ctx, w.ID)
	wantCode(t, err, quire.NotFound)
}
