package storetest

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"quire"
	"quire/internal/dispatch"
)

// lease is until when the suite's claims last.
var lease = start.Add(time.Minute)

// claim claims the oldest queued execution and wants it to be the given one.
func claim(t *testing.T, s Store, owner string, want quire.ExecutionID) quire.Execution {
	t.Helper()
	e, ok, err := s.ClaimQueued(t.Context(), owner, lease, -1)
	must(t, err)
	if !ok || e.ID != want {
		t.Fatalf("claimed %q (found: %t), want %q", e.ID, ok, want)
	}
	return e
}

func claimNothing(t *testing.T, s Store) {
	t.Helper()
	if e, ok, err := s.ClaimQueued(t.Context(), "d1", lease, -1); ok || err != nil {
		t.Fatalf("claimed %q, error %v, want nothing", e.ID, err)
	}
}

func claimOrder(t *testing.T, s Store) {
	claimNothing(t, s)
	p := addProject(t, s, newProject())
	first := fullExecution(p.ID)
	first.CreatedAt = start.Add(time.Hour) // the order of creation counts, not what clocks say
	addExecution(t, s, first)
	second := addExecution(t, s, newExecution(p.ID))

	got := claim(t, s, "d1", first.ID)
	first.State = quire.Starting
	first.Claim = quire.Claim{Owner: "d1", Token: 1, Until: lease}
	same(t, "claimed execution", got, first)
	stored, err := s.Execution(t.Context(), first.ID)
	must(t, err)
	same(t, "stored execution", stored, first)
	claim(t, s, "d1", second.ID)
	claimNothing(t, s)
}

func claimExecution(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	older := addExecution(t, s, newExecution(p.ID))
	want := addExecution(t, s, fullExecution(p.ID))

	got, ok, err := s.ClaimExecution(ctx, want.ID, "d1", lease)
	must(t, err)
	want.State = quire.Starting
	want.Claim = quire.Claim{Owner: "d1", Token: 1, Until: lease}
	if !ok {
		t.Fatal("a queued execution was not claimed")
	}
	same(t, "claimed execution", got, want)
	stored, err := s.Execution(ctx, want.ID)
	must(t, err)
	same(t, "stored execution", stored, want)

	for _, id := range []quire.ExecutionID{want.ID, "nobody"} {
		if _, ok, err := s.ClaimExecution(ctx, id, "d2", lease); ok || err != nil {
			t.Errorf("claimed %q (%t), error %v; want it refused, for it is not queued", id, ok, err)
		}
	}
	stored, err = s.Execution(ctx, want.ID)
	must(t, err)
	same(t, "claim after the second one", stored.Claim, want.Claim)
	claim(t, s, "d1", older.ID)
}

func claimOnce(t *testing.T, s Store) {
	const queued, dispatchers = 200, 8
	p := addProject(t, s, newProject())
	for range queued {
		addExecution(t, s, newExecution(p.ID))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	times := map[quire.ExecutionID]int{}
	var failed error
	for i := range dispatchers {
		wg.Go(func() {
			owner := string(rune('a' + i))
			for {
				e, ok, err := s.ClaimQueued(t.Context(), owner, lease, -1)
				if err == nil && ok && e.Claim != (quire.Claim{Owner: owner, Token: 1, Until: lease}) {
					err = errors.New("claimed with another claim")
				}
				mu.Lock()
				failed = errors.Join(failed, err)
				if ok {
					times[e.ID]++
				}
				mu.Unlock()
				if err != nil || !ok {
					return
				}
			}
		})
	}
	wg.Wait()
	must(t, failed)
	if len(times) != queued {
		t.Errorf("%d executions were claimed, want %d", len(times), queued)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("execution %s was claimed %d times", id, n)
		}
	}
}

func claimLost(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	id := addExecution(t, s, newExecution(p.ID)).ID
	old := claim(t, s, "d1", id).Claim
	taken, err := s.ClaimAbandoned(ctx, "d2", lease, lease.Add(time.Minute))
	must(t, err)
	if len(taken) != 1 {
		t.Fatalf("took over %d executions, want 1", len(taken))
	}
	before, err := s.Execution(ctx, id)
	must(t, err)
	now := before.Claim
	for name, c := range map[string]quire.Claim{
		"the owner before":           old,
		"the right token, not owner": {Owner: "d1", Token: now.Token},
		"the right owner, old token": {Owner: "d2", Token: old.Token},
		"a token of the future":      {Owner: "d2", Token: now.Token + 1},
		"no claim":                   {},
	} {
		for _, state := range quire.States() {
			err := s.SaveProgress(ctx, id, c, json.RawMessage(`{}`), quire.Progress{State: state}, nil)
			if !errors.Is(err, dispatch.ErrClaimLost) {
				t.Errorf("%s saves %s: error %v, want ErrClaimLost", name, state, err)
			}
		}
	}
	after, err := s.Execution(ctx, id)
	must(t, err)
	same(t, "execution after refused writes", after, before)
	op, err := s.Operation(ctx, quire.OperationID(id))
	must(t, err)
	if op.Done {
		t.Error("a refused write ended the operation")
	}
	if err := s.SaveProgress(ctx, "nobody", now, nil, quire.Progress{State: quire.Running}, nil); !errors.Is(err, dispatch.ErrClaimLost) {
		t.Errorf("execution that does not exist: error %v, want ErrClaimLost", err)
	}
	must(t, s.SaveProgress(ctx, id, now, nil, quire.Progress{State: quire.Running}, nil))
}

func claimAbandoned(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	var ids []quire.ExecutionID
	for range 4 {
		ids = append(ids, addExecution(t, s, newExecution(p.ID)).ID)
	}
	claim(t, s, "d1", ids[0])
	running := claim(t, s, "d1", ids[1])
	handle := json.RawMessage(`{"pid": 7}`)
	progress := quire.Progress{State: quire.Running, Attempt: 1, CellsTotal: 3, CellsDone: 1}
	must(t, s.SaveProgress(ctx, ids[1], running.Claim, handle, progress, nil))
	ended := claim(t, s, "d1", ids[2])
	must(t, s.SaveProgress(ctx, ids[2], ended.Claim, nil, quire.Progress{State: quire.Succeeded}, nil))
	// ids[3] stays QUEUED.

	until := lease.Add(time.Minute)
	for name, call := range map[string]func() ([]quire.Execution, error){
		"while the lease lasts": func() ([]quire.Execution, error) {
			return s.ClaimAbandoned(ctx, "d2", lease.Add(-time.Microsecond), until)
		},
		"its own": func() ([]quire.Execution, error) { return s.ClaimAbandoned(ctx, "d1", lease.Add(time.Hour), until) },
	} {
		got, err := call()
		must(t, err)
		if len(got) != 0 {
			t.Errorf("%s: took over %d executions, want none", name, len(got))
		}
	}

	got, err := s.ClaimAbandoned(ctx, "d2", lease, until)
	must(t, err)
	if len(got) != 2 || got[0].ID != ids[0] || got[1].ID != ids[1] {
		t.Fatalf("took over %+v, want the first two", got)
	}
	want := quire.Claim{Owner: "d2", Token: 2, Until: until}
	same(t, "claim of the first", got[0].Claim, want)
	same(t, "state of the first", got[0].State, quire.Starting)
	same(t, "claim of the second", got[1].Claim, want)
	same(t, "progress of the second", got[1].Progress, progress)
	same(t, "handle of the second", got[1].Handle, handle)
	for _, e := range got {
		stored, err := s.Execution(ctx, e.ID)
		must(t, err)
		same(t, "stored execution", stored, e)
	}
	again, err := s.ClaimAbandoned(ctx, "d3", lease, until)
	must(t, err)
	if len(again) != 0 {
		t.Errorf("a third owner took over %d executions, want none", len(again))
	}
}

func renewClaims(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	mine, yours := addExecution(t, s, newExecution(p.ID)).ID, addExecution(t, s, newExecution(p.ID)).ID
	queued := addExecution(t, s, newExecution(p.ID)).ID
	claim(t, s, "d1", mine)
	claim(t, s, "d2", yours)
	until := lease.Add(time.Hour)
	must(t, s.RenewClaims(ctx, "d1", until))
	must(t, s.RenewClaims(ctx, "d1", lease)) // takes nothing back
	for id, want := range map[quire.ExecutionID]quire.Claim{
		mine:   {Owner: "d1", Token: 1, Until: until},
		yours:  {Owner: "d2", Token: 1, Until: lease},
		queued: {},
	} {
		e, err := s.Execution(ctx, id)
		must(t, err)
		same(t, "claim", e.Claim, want)
	}
	got, err := s.ClaimAbandoned(ctx, "d3", lease, until)
	must(t, err)
	if len(got) != 1 || got[0].ID != yours {
		t.Errorf("took over %+v, want only the one whose lease was not renewed", got)
	}
}
