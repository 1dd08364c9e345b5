package dispatch_test

import (
	"testing"

	"quire"
)

// limit sets the project's limit on units per hour.
func (h *house) limit(perHour int64) {
	h.t.Helper()
	op := quire.Operation{ID: quire.OperationID(quire.NewID()), Kind: quire.OpUpdateProject}
	_, err := h.store.UpdateProject(h.t.Context(), "p", op, func(p *quire.Project) error {
		p.Limits.MaxUnitsPerHour = &perHour
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) balance(units int64) {
	h.t.Helper()
	op := quire.Operation{ID: quire.OperationID(quire.NewID()), Kind: quire.OpSetUnitBalance}
	if _, err := h.store.SetUnitBalance(h.t.Context(), "p", &units, op); err != nil {
		h.t.Fatal(err)
	}
}

func TestSpentProjectIsStopped(t *testing.T) {
	for limit, use := range map[string]func(h *house){
		"unit_balance":       func(h *house) { h.balance(price) }, // the second that has begun counts
		"max_units_per_hour": func(h *house) { h.limit(2*price - 1) },
	} {
		t.Run(limit, func(t *testing.T) {
			h := newHouse(t)
			first, second := h.submit(), h.submit()
			x, y := h.next(), h.next()
			use(h)
			for _, x := range []*fakeExecutor{x, y} {
				if why := <-x.stopped; why.Kind != quire.Limited || why.Limit != limit {
					t.Errorf("got the reason %+v, want the limit %s", why, limit)
				}
				x.end(t, quire.Aborted)
			}
			h.await(first, quire.Aborted)
			h.await(second, quire.Aborted)
		})
	}
}

func TestNothingStartsOnAnEmptyBalance(t *testing.T) {
	h := newHouse(t)
	h.balance(0)
	id := h.submit()
	e := h.await(id, quire.Aborted)
	if e.Failure.Kind != quire.Limited || e.Failure.Limit != "unit_balance" || len(h.backend.started) != 0 {
		t.Errorf("got %+v, %d executors", e.Failure, len(h.backend.started))
	}
	h.balance(1000 * price)
	id = h.submit()
	h.next().end(t, quire.Succeeded)
	if e := h.await(id, quire.Succeeded); e.Units < price {
		t.Errorf("got %d units, want at least those of a second", e.Units)
	}
	left, err := h.store.UnitBalance(t.Context(), "p")
	if err != nil || left == nil || *left > 999*price {
		t.Errorf("got the balance %v, %v; want it less by what was spent", left, err)
	}
}

func TestAttemptsByTerms(t *testing.T) {
	h := newHouse(t)
	id := h.submitOn(quire.Terms{MaxAttempts: 2})
	h.next().end(t, "")
	x := h.next()
	x.tell(t, ready)
	x.end(t, "")
	e := h.await(id, quire.Failed)
	if e.Attempt != 2 || len(e.Attempts) != 1 {
		t.Fatalf("got %+v, want it to end with the second attempt", e.Progress)
	}
	first := e.Attempts[0]
	if first.Number != 1 || first.Started.IsZero() || first.Finished.IsZero() || first.Failure == nil || first.Failure.Kind != quire.QuireFault {
		t.Errorf("got the first attempt as %+v", first)
	}
}

func TestCancelledInTheQueueBeforeARestart(t *testing.T) {
	h := newHouse(t)
	h.submit()
	h.submit()
	first, second := h.next(), h.next()
	id := h.submit()
	h.stop()
	if _, err := h.store.RequestCancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.run(2) // both slots are taken
	if e := h.await(id, quire.Aborted); e.Failure.Kind != quire.Cancelled {
		t.Errorf("got %+v", e.Failure)
	}
	first.end(t, quire.Succeeded)
	second.end(t, quire.Succeeded)
}
