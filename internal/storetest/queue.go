package storetest

import (
	"slices"
	"testing"

	"quire"
	"quire/internal/service"
)

// claimAny claims what comes next and returns its project.
func claimAny(t *testing.T, s Store, maxRunning int) quire.Execution {
	t.Helper()
	e, ok, err := s.ClaimQueued(t.Context(), "d1", lease, maxRunning)
	must(t, err)
	if !ok {
		t.Fatal("nothing was claimed")
	}
	return e
}

// end ends a claimed execution.
func end(t *testing.T, s Store, e quire.Execution, p quire.Progress) {
	t.Helper()
	must(t, s.SaveProgress(t.Context(), e.ID, e.Claim, nil, p, nil))
}

// claimFair fills one project's queue and then puts a little into another's.
func claimFair(t *testing.T, s Store) {
	greedy, modest := addProject(t, s, newProject()), addProject(t, s, newProject())
	for range 50 {
		addExecution(t, s, newExecution(greedy.ID))
	}
	for range 5 {
		addExecution(t, s, newExecution(modest.ID))
	}
	// With two slots each has one: the project with fewer under way goes first.
	var served []quire.ProjectID
	first, second := claimAny(t, s, -1), claimAny(t, s, -1)
	served = append(served, first.ProjectID, second.ProjectID)
	for range 4 {
		end(t, s, first, quire.Progress{State: quire.Succeeded})
		first = claimAny(t, s, -1)
		end(t, s, second, quire.Progress{State: quire.Succeeded})
		second = claimAny(t, s, -1)
		served = append(served, first.ProjectID, second.ProjectID)
	}
	want := slices.Repeat([]quire.ProjectID{greedy.ID, modest.ID}, 5)
	same(t, "projects served", served, want)
	end(t, s, second, quire.Progress{State: quire.Succeeded})
	if e := claimAny(t, s, -1); e.ProjectID != greedy.ID {
		t.Errorf("claimed one of %s, want %s, which alone has something queued", e.ProjectID, greedy.ID)
	}
}

// claimPriority orders projects, and executions within one.
func claimPriority(t *testing.T, s Store) {
	low, high := newProject(), newProject()
	low.Policy.Priority, high.Policy.Priority = -1, 1
	addProject(t, s, low)
	addProject(t, s, high)
	var want []quire.ExecutionID
	urgent := newExecution(low.ID)
	urgent.Priority = 100
	addExecution(t, s, urgent)
	for _, priority := range []int{0, -5, 7, 0} {
		e := newExecution(high.ID)
		e.Priority = priority
		want = append(want, addExecution(t, s, e).ID)
	}
	want = []quire.ExecutionID{want[2], want[0], want[3], want[1], urgent.ID}
	var got []quire.ExecutionID
	for range want {
		got = append(got, claimAny(t, s, -1).ID)
	}
	same(t, "claimed", got, want)
}

// claimMaxRunning holds a project to its own number, and others to the default.
func claimMaxRunning(t *testing.T, s Store) {
	own, byDefault, unlimited := newProject(), newProject(), newProject()
	own.Policy.MaxRunning, unlimited.Policy.MaxRunning = 2, -1
	most := map[quire.ProjectID]int{own.ID: 2, byDefault.ID: 1, unlimited.ID: 4}
	for _, p := range []quire.Project{own, byDefault, unlimited} {
		addProject(t, s, p)
		for range 4 {
			addExecution(t, s, newExecution(p.ID))
		}
	}
	running := map[quire.ProjectID]int{}
	claimed := map[quire.ProjectID]quire.Execution{}
	for range 7 {
		e := claimAny(t, s, 1)
		running[e.ProjectID]++
		claimed[e.ProjectID] = e
	}
	same(t, "under way", running, most)
	if e, ok, err := s.ClaimQueued(t.Context(), "d1", lease, 1); ok || err != nil {
		t.Fatalf("claimed one of %s, error %v, want nothing", e.ProjectID, err)
	}
	end(t, s, claimed[own.ID], quire.Progress{State: quire.Failed})
	if e := claimAny(t, s, 1); e.ProjectID != own.ID {
		t.Errorf("claimed one of %s, want %s, where one has ended", e.ProjectID, own.ID)
	}
	// One that goes back into the queue makes room as well.
	end(t, s, claimed[byDefault.ID], quire.Progress{State: quire.Queued})
	if e := claimAny(t, s, 1); e.ID != claimed[byDefault.ID].ID {
		t.Errorf("claimed %s, want %s, which went back into the queue", e.ID, claimed[byDefault.ID].ID)
	}
}

func queueLimits(t *testing.T, s Store) {
	ctx := t.Context()
	full, other := addProject(t, s, newProject()), addProject(t, s, newProject())
	add := func(p quire.Project, most service.QueueLimits) error {
		e := newExecution(p.ID)
		_, err := s.CreateExecution(ctx, e, executeOperation(e), most)
		return err
	}
	most := service.QueueLimits{Project: 2, Server: 3}
	must(t, add(full, most))
	must(t, add(full, most))
	wantCode(t, add(full, most), quire.ResourceExhausted)
	must(t, add(other, most))
	wantCode(t, add(other, most), quire.ResourceExhausted)
	must(t, add(other, service.QueueLimits{}))

	claimAny(t, s, -1) // of full, which came first: there is room again
	must(t, add(full, service.QueueLimits{Project: 2, Server: 4}))
	wantCode(t, add(full, service.QueueLimits{Project: 2, Server: 5}), quire.ResourceExhausted)

	// A repetition is no new execution.
	again := addProject(t, s, newProject())
	e := newExecution(again.ID)
	op := executeOperation(e)
	op.IdempotencyKey, op.RequestDigest = "key", "digest"
	_, err := s.CreateExecution(ctx, e, op, service.QueueLimits{Project: 1})
	must(t, err)
	_, err = s.CreateExecution(ctx, e, op, service.QueueLimits{Project: 1})
	must(t, err)
}

func cancelledQueued(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	running := addExecution(t, s, newExecution(p.ID))
	claim(t, s, "d1", running.ID)
	first, _, third := addExecution(t, s, newExecution(p.ID)), addExecution(t, s, newExecution(p.ID)), addExecution(t, s, newExecution(p.ID))
	for _, e := range []quire.Execution{third, first, running} {
		_, err := s.RequestCancel(ctx, e.ID)
		must(t, err)
	}
	got, err := s.Cancelled(ctx)
	must(t, err)
	same(t, "cancelled", got, []quire.ExecutionID{first.ID, third.ID})
}
