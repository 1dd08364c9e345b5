package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"quire"
	"quire/internal/service"
)

func operations(t *testing.T, s Store) {
	ctx := t.Context()
	_, err := s.Operation(ctx, "nobody")
	wantCode(t, err, quire.NotFound)
	_, err = s.OperationByKey(ctx, "alice", "nothing")
	wantCode(t, err, quire.NotFound)

	c := newCommunity()
	op := withKey(quire.OpCreateCommunity, "key")
	op.CommunityID = c.ID
	want, err := s.CreateCommunity(ctx, c, op)
	must(t, err)
	for name, find := range map[string]func() (quire.Operation, error){
		"by id":  func() (quire.Operation, error) { return s.Operation(ctx, op.ID) },
		"by key": func() (quire.Operation, error) { return s.OperationByKey(ctx, "alice", "key") },
	} {
		got, err := find()
		must(t, err)
		same(t, "operation "+name, got, want)
	}
	_, err = s.OperationByKey(ctx, "bob", "key")
	wantCode(t, err, quire.NotFound)

	// No key is no key that could be found.
	addCommunity(t, s, newCommunity())
	_, err = s.OperationByKey(ctx, "alice", "")
	wantCode(t, err, quire.NotFound)
}

func taken(t *testing.T, s Store) {
	ctx := t.Context()
	c := addCommunity(t, s, newCommunity())
	p := addProject(t, s, newProject())
	e := addExecution(t, s, newExecution(p.ID))

	_, err := s.CreateCommunity(ctx, c, operation(quire.OpCreateCommunity))
	wantCode(t, err, quire.AlreadyExists)
	_, err = s.CreateProject(ctx, p, operation(quire.OpCreateProject))
	wantCode(t, err, quire.AlreadyExists)
	_, err = s.CreateExecution(ctx, e, executeOperation(e), service.QueueLimits{})
	wantCode(t, err, quire.AlreadyExists)

	op := operation(quire.OpCreateProject)
	op.ID = quire.OperationID(e.ID)
	another := newProject()
	_, err = s.CreateProject(ctx, another, op)
	wantCode(t, err, quire.AlreadyExists)
	_, err = s.Project(ctx, another.ID)
	wantCode(t, err, quire.NotFound) // project and operation are stored together or not at all
}

func cancelledContext(t *testing.T, s Store) {
	p := addProject(t, s, newProject())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.UpdateProject(ctx, p.ID, operation(quire.OpUpdateProject), func(p *quire.Project) error {
		p.Name = "half done"
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled amid a transaction: error %v, want context.Canceled", err)
	}
	e := newExecution(p.ID)
	if _, err := s.CreateExecution(ctx, e, executeOperation(e), service.QueueLimits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: error %v, want context.Canceled", err)
	}
	if _, err := s.Project(ctx, p.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before a read: error %v, want context.Canceled", err)
	}
	stored, err := s.Project(t.Context(), p.ID)
	must(t, err)
	same(t, "project", stored, p)
	_, err = s.Execution(t.Context(), e.ID)
	wantCode(t, err, quire.NotFound)
	addExecution(t, s, e) // the store is as fit as before
}

func idempotencyRepeated(t *testing.T, s Store) {
	ctx := t.Context()
	p, doomed, c := addProject(t, s, newProject()), addProject(t, s, newProject()), addCommunity(t, s, newCommunity())
	calls := 0
	for _, test := range []struct {
		kind quire.OperationKind
		call func(quire.Operation) (quire.Operation, error)
	}{
		{quire.OpCreateCommunity, func(op quire.Operation) (quire.Operation, error) {
			return s.CreateCommunity(ctx, newCommunity(), op)
		}},
		{quire.OpUpdateCommunity, func(op quire.Operation) (quire.Operation, error) {
			return s.UpdateCommunity(ctx, c.ID, op, func(c *quire.Community) error {
				calls++
				c.Name += "+"
				return nil
			})
		}},
		{quire.OpDeleteCommunity, func(op quire.Operation) (quire.Operation, error) {
			return s.DeleteCommunity(ctx, c.ID, op)
		}},
		{quire.OpCreateProject, func(op quire.Operation) (quire.Operation, error) {
			return s.CreateProject(ctx, newProject(), op)
		}},
		{quire.OpUpdateProject, func(op quire.Operation) (quire.Operation, error) {
			return s.UpdateProject(ctx, p.ID, op, func(p *quire.Project) error {
				calls++
				p.Name += "+"
				return nil
			})
		}},
		{quire.OpExecute, func(op quire.Operation) (quire.Operation, error) {
			e := newExecution(p.ID)
			e.ID = quire.ExecutionID(op.ID)
			return s.CreateExecution(ctx, e, op, service.QueueLimits{})
		}},
		{quire.OpDeleteProject, func(op quire.Operation) (quire.Operation, error) {
			return s.DeleteProject(ctx, doomed.ID, op)
		}},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			calls = 0
			first, err := test.call(withKey(test.kind, string(test.kind)))
			must(t, err)
			repeated := withKey(test.kind, string(test.kind))
			second, err := test.call(repeated)
			must(t, err)
			same(t, "operation of the repetition", second, first)
			_, err = s.Operation(ctx, repeated.ID)
			wantCode(t, err, quire.NotFound)
			if calls > 1 {
				t.Errorf("change was called %d times, want once", calls)
			}
		})
	}
	found, _, err := s.Projects(ctx, quire.ProjectFilter{})
	must(t, err)
	if len(found) != 2 || found[0].Name != p.Name+"+" {
		t.Errorf("%d projects, the first called %q; want 2 and one change of the name", len(found), found[0].Name)
	}
}

func idempotencyAtOnce(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	const callers = 16
	for name, call := range map[string]func(quire.Operation) (quire.Operation, error){
		"community": func(op quire.Operation) (quire.Operation, error) { return s.CreateCommunity(ctx, newCommunity(), op) },
		"project":   func(op quire.Operation) (quire.Operation, error) { return s.CreateProject(ctx, newProject(), op) },
		"execution": func(op quire.Operation) (quire.Operation, error) {
			e := newExecution(p.ID)
			e.ID = quire.ExecutionID(op.ID)
			return s.CreateExecution(ctx, e, op, service.QueueLimits{})
		},
	} {
		var wg sync.WaitGroup
		var got [callers]quire.Operation
		var errs [callers]error
		for i := range callers {
			wg.Go(func() { got[i], errs[i] = call(withKey("once", name)) })
		}
		wg.Wait()
		must(t, errors.Join(errs[:]...))
		for i := range got {
			same(t, fmt.Sprintf("operation of caller %d for one %s", i, name), got[i], got[0])
		}
	}
	communities, _, err := s.Communities(ctx, quire.CommunityFilter{CreatedBy: "alice"})
	must(t, err)
	projects, _, err := s.Projects(ctx, quire.ProjectFilter{})
	must(t, err)
	executions, _, err := s.Executions(ctx, quire.ExecutionFilter{})
	must(t, err)
	same(t, "rows", []int{len(communities), len(projects) - 1, len(executions)}, []int{1, 1, 1})
}

func idempotencyPerCreator(t *testing.T, s Store) {
	a, b := withKey(quire.OpCreateProject, "key"), withKey(quire.OpCreateProject, "key")
	b.CreatedBy = "bob"
	for _, op := range []quire.Operation{a, b} {
		got, err := s.CreateProject(t.Context(), newProject(), op)
		must(t, err)
		same(t, "operation of "+op.CreatedBy, got.ID, op.ID)
	}
}
