package storetest

import (
	"testing"

	"quire"
)

func cancelledQueued(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	running := addExecution(t, s, newExecution(p.ID)).ID
	claim(t, s, "d1", running)
	first, kept, second := newExecution(p.ID), newExecution(p.ID), newExecution(p.ID)
	for _, e := range []quire.Execution{first, kept, second} {
		addExecution(t, s, e)
	}
	for _, id := range []quire.ExecutionID{running, second.ID, first.ID} {
		_, err := s.RequestCancel(ctx, id)
		must(t, err)
	}
	got, err := s.CancelledQueued(ctx)
	must(t, err)
	same(t, "cancelled", got, []quire.ExecutionID{first.ID, second.ID})
}

func has(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	e := addExecution(t, s, newExecution(p.ID))
	want := func(when string, want bool) {
		t.Helper()
		project, err := s.HasProject(ctx, p.ID)
		must(t, err)
		execution, err := s.HasExecution(ctx, e.ID)
		must(t, err)
		if project != want || execution != want {
			t.Errorf("%s: has project %t, execution %t, want %t", when, project, execution, want)
		}
	}
	want("stored", true)
	_, err := s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	must(t, err)
	want("deleted", true)
	must(t, s.PurgeProject(ctx, p.ID))
	want("purged", false)
}
