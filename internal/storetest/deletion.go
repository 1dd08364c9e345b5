package storetest

import (
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

func deleteProject(t *testing.T, s Store) {
	ctx := t.Context()
	kept, p := addProject(t, s, newProject()), addProject(t, s, newProject())
	queued := addExecution(t, s, newExecution(p.ID))
	want := operation(quire.OpDeleteProject)
	want.ProjectID = p.ID
	got, err := s.DeleteProject(ctx, p.ID, want)
	must(t, err)
	same(t, "operation", got, want)

	// Nobody sees it, or what it holds, any more.
	_, err = s.Project(ctx, p.ID)
	wantCode(t, err, quire.NotFound)
	all, _, err := s.Projects(ctx, quire.ProjectFilter{})
	must(t, err)
	same(t, "projects", all, []quire.Project{kept})
	_, err = s.UpdateProject(ctx, p.ID, operation(quire.OpUpdateProject), func(*quire.Project) error { return nil })
	wantCode(t, err, quire.NotFound)
	_, err = s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	wantCode(t, err, quire.NotFound)
	_, err = s.DeleteProject(ctx, "nobody", operation(quire.OpDeleteProject))
	wantCode(t, err, quire.NotFound)
	_, err = s.Execution(ctx, queued.ID)
	wantCode(t, err, quire.NotFound)
	_, err = s.RequestCancel(ctx, queued.ID)
	wantCode(t, err, quire.NotFound)
	for _, f := range []quire.ExecutionFilter{{}, {ProjectID: p.ID}} {
		found, _, err := s.Executions(ctx, f)
		must(t, err)
		if len(found) != 0 {
			t.Errorf("%d executions of a deleted project are seen with the filter %+v", len(found), f)
		}
	}
	late := newExecution(p.ID)
	_, err = s.CreateExecution(ctx, late, executeOperation(late), service.QueueLimits{})
	wantCode(t, err, quire.NotFound)
	claimNothing(t, s)
	if _, ok, err := s.ClaimExecution(ctx, queued.ID, "d1", lease); ok || err != nil {
		t.Errorf("claimed an execution of a deleted project (%t), error %v", ok, err)
	}

	// What was queued has ended, for nobody would ever take it up.
	op, err := s.Operation(ctx, quire.OperationID(queued.ID))
	must(t, err)
	result(t, op, quire.Aborted)
	wantExecutions(t, s, p.ID, false, nil)
	wantExecutions(t, s, p.ID, true, []quire.ExecutionID{queued.ID})
}

func deleteProjectWhileRunning(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	ended, running, retried := newExecution(p.ID), newExecution(p.ID), newExecution(p.ID)
	for _, e := range []quire.Execution{ended, running, retried} {
		addExecution(t, s, e)
	}
	c := claim(t, s, "d1", ended.ID).Claim
	must(t, s.SaveProgress(ctx, ended.ID, c, nil, quire.Progress{State: quire.Failed}, nil))
	claim(t, s, "d1", running.ID)
	c = claim(t, s, "d1", retried.ID).Claim
	_, err := s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	must(t, err)
	wantExecutions(t, s, p.ID, false, []quire.ExecutionID{running.ID, retried.ID})
	wantExecutions(t, s, p.ID, true, []quire.ExecutionID{ended.ID})
	wantCode(t, s.PurgeProject(ctx, p.ID), quire.FailedPrecondition)

	// A second attempt cannot be: it ends.
	must(t, s.SaveProgress(ctx, retried.ID, c, nil, quire.Progress{State: quire.Queued, Attempt: 1}, nil))
	claimNothing(t, s)
	op, err := s.Operation(ctx, quire.OperationID(retried.ID))
	must(t, err)
	result(t, op, quire.Aborted)

	// The dispatcher still finds what it has to end, and that it has to.
	must(t, s.RenewClaims(ctx, "d1", lease.Add(time.Minute)))
	left, err := s.ClaimAbandoned(ctx, "d2", lease.Add(time.Minute), lease.Add(time.Hour))
	must(t, err)
	if len(left) != 1 || left[0].ID != running.ID || left[0].CancelRequestedAt.IsZero() {
		t.Fatalf("took over %+v, want %s and that it is to stop", left, running.ID)
	}
	must(t, s.SaveProgress(ctx, running.ID, left[0].Claim, nil, quire.Progress{State: quire.Aborted}, nil))
	wantExecutions(t, s, p.ID, false, nil)
	wantExecutions(t, s, p.ID, true, []quire.ExecutionID{ended.ID, running.ID, retried.ID})
	must(t, s.PurgeProject(ctx, p.ID))
}

func purgeProject(t *testing.T, s Store) {
	ctx := t.Context()
	kept, p, other := addProject(t, s, newProject()), addProject(t, s, newProject()), addProject(t, s, newProject())
	e, keptExecution := addExecution(t, s, newExecution(p.ID)), addExecution(t, s, newExecution(kept.ID))
	wantDeleted(t, s, nil)
	wantCode(t, s.PurgeProject(ctx, kept.ID), quire.FailedPrecondition)

	var deletions []quire.OperationID
	for _, id := range []quire.ProjectID{p.ID, other.ID} {
		op, err := s.DeleteProject(ctx, id, operation(quire.OpDeleteProject))
		must(t, err)
		deletions = append(deletions, op.ID)
	}
	wantDeleted(t, s, []quire.ProjectID{p.ID, other.ID})

	for range 2 { // whoever was interrupted may do it again
		must(t, s.PurgeProject(ctx, p.ID))
		wantDeleted(t, s, []quire.ProjectID{other.ID})
		wantExecutions(t, s, p.ID, true, nil)
		done, err := s.Operation(ctx, deletions[0])
		must(t, err)
		result(t, done, nil)
		waiting, err := s.Operation(ctx, deletions[1])
		must(t, err)
		if waiting.Done {
			t.Error("the purge of one project ended the deletion of another")
		}
	}
	must(t, s.PurgeProject(ctx, "nobody"))
	_, err := s.Operation(ctx, quire.OperationID(e.ID))
	wantCode(t, err, quire.NotFound)
	_, err = s.Operation(ctx, quire.OperationID(keptExecution.ID))
	must(t, err)
	_, err = s.Execution(ctx, keptExecution.ID)
	must(t, err)
	_, err = s.Project(ctx, kept.ID)
	must(t, err)
}

func wantDeleted(t *testing.T, s Store, want []quire.ProjectID) {
	t.Helper()
	got, err := s.DeletedProjects(t.Context())
	must(t, err)
	same(t, "deleted projects", got, want)
}

func wantExecutions(t *testing.T, s Store, id quire.ProjectID, ended bool, want []quire.ExecutionID) {
	t.Helper()
	got, err := s.ProjectExecutions(t.Context(), id, ended)
	must(t, err)
	same(t, "executions of the project", got, want)
}
