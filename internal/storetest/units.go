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
	must(t, s.SetUnitBalance(ctx, p.ID, new(int64(100))))

	e := addExecution(t, s, newExecution(p.ID))
	end(t, s, claim(t, s, "d1", e.ID), quire.Progress{State: quire.Failed, Units: 130})
	balance, err = s.UnitBalance(ctx, p.ID)
	must(t, err)
	same(t, "balance after an execution", balance, new(int64(-30)))
	stored, err := s.Execution(ctx, e.ID)
	must(t, err)
	same(t, "units of the execution", stored.Units, 130)

	must(t, s.SetUnitBalance(ctx, p.ID, nil))
	e = addExecution(t, s, newExecution(p.ID))
	end(t, s, claim(t, s, "d1", e.ID), quire.Progress{State: quire.Succeeded, Units: 7})
	balance, err = s.UnitBalance(ctx, p.ID)
	must(t, err)
	same(t, "balance without a limit", balance, nil)

	_, err = s.UnitBalance(ctx, "nobody")
	wantCode(t, err, quire.NotFound)
	wantCode(t, s.SetUnitBalance(ctx, "nobody", nil), quire.NotFound)
}

func budget(t *testing.T, s Store) {
	ctx := t.Context()
	p := newProject()
	p.Limits.MaxUnitsPerHour = new(int64(1000))
	addProject(t, s, p)
	must(t, s.SetUnitBalance(ctx, p.ID, new(int64(5000))))
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
