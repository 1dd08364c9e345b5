package storetest

import (
	"testing"

	"quire"
)

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
