package storetest

import (
	"testing"
	"time"

	"quire"
)

// endedAt adds an execution that ended so long after the start.
func endedAt(t *testing.T, s Store, p quire.Project, after time.Duration) quire.ExecutionID {
	t.Helper()
	e := addExecution(t, s, newExecution(p.ID))
	end(t, s, claim(t, s, "d1", e.ID), quire.Progress{State: quire.Aborted, Timing: quire.Timing{Finished: start.Add(after)}})
	return e.ID
}

func expired(t *testing.T, s Store) {
	ctx := t.Context()
	p, other := addProject(t, s, newProject()), addProject(t, s, newProject())
	third := endedAt(t, s, p, 3*time.Second)
	first := endedAt(t, s, p, time.Second)
	second := endedAt(t, s, p, 2*time.Second)
	endedAt(t, s, other, time.Second)
	addExecution(t, s, newExecution(p.ID)) // it is kept: it has not ended
	for _, tt := range []struct {
		name     string
		before   time.Duration
		keepLast int
		limit    int
		want     []quire.ExecutionID
	}{
		{"young and few", 0, 3, 10, nil},
		{"no limit", 0, -1, 10, nil},
		{"by age", 3 * time.Second, -1, 10, []quire.ExecutionID{first, second}},
		{"by age, a few", 3 * time.Second, -1, 1, []quire.ExecutionID{first}},
		{"by number", 0, 1, 10, []quire.ExecutionID{second, first}},
		{"none is kept", 0, 0, 2, []quire.ExecutionID{third, second}},
		{"by age first", 2 * time.Second, 0, 10, []quire.ExecutionID{first}},
	} {
		got, err := s.Expired(ctx, p.ID, start.Add(tt.before), tt.keepLast, tt.limit)
		must(t, err)
		same(t, tt.name, got, tt.want)
	}
}

func removeExecutions(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	gone := endedAt(t, s, p, time.Second)
	queued := addExecution(t, s, newExecution(p.ID)).ID
	for range 2 { // it may be repeated
		must(t, s.RemoveExecutions(ctx, []quire.ExecutionID{"nobody", queued, gone}))
		_, err := s.Execution(ctx, gone)
		wantCode(t, err, quire.NotFound)
		_, err = s.Operation(ctx, quire.OperationID(gone))
		wantCode(t, err, quire.NotFound)
		removed, err := s.Removed(ctx)
		must(t, err)
		same(t, "removed", removed, []quire.ExecutionID{gone})
	}
	for range 2 {
		must(t, s.ForgetRemoved(ctx, []quire.ExecutionID{"nobody", gone}))
		removed, err := s.Removed(ctx)
		must(t, err)
		same(t, "removed", removed, nil)
	}
	_, err := s.Execution(ctx, queued)
	must(t, err)
	op, err := s.Operation(ctx, quire.OperationID(queued))
	must(t, err)
	if op.Done {
		t.Error("the operation of a queued execution is done")
	}
	claim(t, s, "d1", queued)
}

func removeOperations(t *testing.T, s Store) {
	ctx := t.Context()
	p := newProject()
	made := operation(quire.OpCreateProject) // modified a second after the start
	_, err := s.CreateProject(ctx, p, made)
	must(t, err)
	execution := endedAt(t, s, p, 0)
	doomed := addProject(t, s, newProject())
	deletion, err := s.DeleteProject(ctx, doomed.ID, operation(quire.OpDeleteProject))
	must(t, err)

	for _, tt := range []struct {
		before time.Duration
		limit  int
		want   int
	}{
		{time.Second, 10, 0},
		{time.Hour, 1, 1},
		{time.Hour, 10, 1},
		{time.Hour, 10, 0}, // what is left is not done, or an execution's
	} {
		n, err := s.RemoveOperations(ctx, start.Add(tt.before), tt.limit)
		must(t, err)
		same(t, "removed", n, tt.want)
	}
	_, err = s.Operation(ctx, made.ID)
	wantCode(t, err, quire.NotFound)
	for _, id := range []quire.OperationID{deletion.ID, quire.OperationID(execution)} {
		_, err := s.Operation(ctx, id)
		must(t, err)
	}
	_, err = s.Project(ctx, p.ID)
	must(t, err)
}
