package storetest

import (
	"testing"
	"time"

	"quire"
)

func unitBalance(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	balance, err := s.UnitBalance(ctx, p.ID)
	must(t, err)
	same(t, "balance at first", balance, nil)
	op := withKey(quire.OpSetUnitBalance, "key")
	done, err := s.SetUnitBalance(ctx, p.ID, new(int64(100)), op)
	must(t, err)
	result(t, done, nil)
	if again, err := s.SetUnitBalance(ctx, p.ID, new(int64(1)), withKey(quire.OpSetUnitBalance, "key")); err != nil || again.ID != op.ID {
		t.Errorf("repeated: got %q, %v, want %q", again.ID, err, op.ID)
	}

	e := addExecution(t, s, newExecution(p.ID))
	end(t, s, claim(t, s, "d1", e.ID), quire.Progress{State: quire.Failed, Units: 130})
	balance, err = s.UnitBalance(ctx, p.ID)
	must(t, err)
	same(t, "balance after an execution", balance, new(int64(-30)))
	stored, err := s.Execution(ctx, e.ID)
	must(t, err)
	same(t, "units of the execution", stored.Units, 130)

	setBalance(t, s, p.ID, nil)
	e = addExecution(t, s, newExecution(p.ID))
	end(t, s, claim(t, s, "d1", e.ID), quire.Progress{State: quire.Succeeded, Units: 7})
	balance, err = s.UnitBalance(ctx, p.ID)
	must(t, err)
	same(t, "balance without a limit", balance, nil)

	_, err = s.UnitBalance(ctx, "nobody")
	wantCode(t, err, quire.NotFound)
	_, err = s.SetUnitBalance(ctx, "nobody", nil, operation(quire.OpSetUnitBalance))
	wantCode(t, err, quire.NotFound)
}

func setBalance(t *testing.T, s Store, id quire.ProjectID, balance *int64) {
	t.Helper()
	_, err := s.SetUnitBalance(t.Context(), id, balance, operation(quire.OpSetUnitBalance))
	must(t, err)
}

func budget(t *testing.T, s Store) {
	ctx := t.Context()
	p := newProject()
	p.Limits.MaxUnitsPerHour = new(int64(1000))
	addProject(t, s, p)
	setBalance(t, s, p.ID, new(int64(5000)))
	for _, ran := range []struct{ from, to time.Duration }{
		{-3 * time.Hour, -2 * time.Hour},                        // before
		{-time.Hour - 10*time.Second, -time.Hour + time.Second}, // 1 s of it within
		{-30 * time.Second, -20 * time.Second},                  // 10 s
	} {
		e := addExecution(t, s, newExecution(p.ID))
		end(t, s, claim(t, s, "d1", e.ID), quire.Progress{
			State: quire.Succeeded, Price: 4, Units: 4,
			Timing: quire.Timing{Started: start.Add(ran.from), Finished: start.Add(ran.to)},
		})
	}
	got, err := s.Budget(ctx, p.ID, start.Add(-time.Hour))
	must(t, err)
	same(t, "budget", got, quire.Budget{Balance: new(int64(5000 - 12)), MaxPerHour: new(int64(1000)), Spent: 44})

	free := addProject(t, s, newProject())
	got, err = s.Budget(ctx, free.ID, start)
	must(t, err)
	same(t, "budget without limits", got, quire.Budget{})
	_, err = s.Budget(ctx, "nobody", start)
	wantCode(t, err, quire.NotFound)
}
