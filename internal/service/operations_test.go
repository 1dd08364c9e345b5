package service_test

import (
	"slices"
	"testing"
	"time"

	"quire"
)

func TestCancelOperation(t *testing.T) {
	h := newHouse(t, nil)
	t.Run("that runs", func(t *testing.T) {
		id := h.execute(t)
		op, err := h.CancelOperation(t.Context(), quire.OperationID(id))
		if err != nil || op.Done || op.ID != quire.OperationID(id) {
			t.Fatalf("got %+v, %v, want it to be under way", op, err)
		}
		if !slices.Equal(h.dispatcher.cancelled, []quire.ExecutionID{id}) {
			t.Errorf("the dispatcher heard of %v, want %v", h.dispatcher.cancelled, id)
		}
		if e, err := h.Execution(t.Context(), id); err != nil || e.CancelRequestedAt.IsZero() {
			t.Errorf("got %+v, %v, want the request to be stored", e, err)
		}
		h.end(t, h.claim(t), quire.Aborted, nil)
		if op, err = h.Operation(t.Context(), op.ID); err != nil || !op.Done || string(op.Result) != `"ABORTED"` {
			t.Errorf("got %+v, %v, want it to be done", op, err)
		}
	})
	t.Run("that is done", func(t *testing.T) {
		id := h.execute(t)
		h.end(t, h.claim(t), quire.Succeeded, nil)
		heard := len(h.dispatcher.cancelled)
		op, err := h.CancelOperation(t.Context(), quire.OperationID(id))
		if err != nil || !op.Done || string(op.Result) != `"SUCCEEDED"` {
			t.Errorf("got %+v, %v, want it as it is", op, err)
		}
		if len(h.dispatcher.cancelled) != heard {
			t.Error("the dispatcher heard of it")
		}
	})
	t.Run("of another kind", func(t *testing.T) {
		made, err := h.CreateProject(t.Context(), caller, quire.Project{CommunityID: quire.DefaultCommunity})
		if err != nil {
			t.Fatal(err)
		}
		if op, err := h.CancelOperation(t.Context(), made.ID); err != nil || op.Kind != quire.OpCreateProject || !op.Done {
			t.Errorf("got %+v, %v, want it as it is", op, err)
		}
	})
	t.Run("that is not there", func(t *testing.T) {
		_, err := h.CancelOperation(t.Context(), "nope")
		wantCode(t, err, quire.NotFound, "", "nope")
		_, err = h.Operation(t.Context(), "nope")
		wantCode(t, err, quire.NotFound, "", "nope")
	})
}

func TestExecutions(t *testing.T) {
	h := newHouse(t, nil)
	first, second := h.execute(t), h.execute(t)
	h.claim(t) // the first

	find := func(t *testing.T, f quire.ExecutionFilter) []quire.Execution {
		t.Helper()
		f.ProjectID = h.project
		list, _, err := h.Executions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	t.Run("newest first", func(t *testing.T) {
		if list := find(t, quire.ExecutionFilter{}); len(list) != 2 || list[0].ID != second || list[1].ID != first {
			t.Errorf("got %+v, want %v, %v", list, second, first)
		}
	})
	t.Run("by state", func(t *testing.T) {
		if list := find(t, quire.ExecutionFilter{State: quire.Queued}); len(list) != 1 || list[0].ID != second {
			t.Errorf("got %+v, want %v", list, second)
		}
	})
	t.Run("fresher than the store", func(t *testing.T) {
		live := quire.Progress{State: quire.Running, Attempt: 1, CellsDone: 3, CellsTotal: 5}
		h.dispatcher.attend(first, 0, live)
		if e, err := h.Execution(t.Context(), first); err != nil || e.State != quire.Running || e.CellsDone != 3 {
			t.Errorf("got %+v, %v, want the live progress", e.Progress, err)
		}
		if list := find(t, quire.ExecutionFilter{}); list[1].CellsDone != 3 || list[0].State != quire.Queued {
			t.Errorf("got %+v, want the live progress of the first", list)
		}
		// The filter is the store's: what it finds is shown to fit.
		if list := find(t, quire.ExecutionFilter{State: quire.Starting}); len(list) != 1 || list[0].State != quire.Starting {
			t.Errorf("got %+v, want it as it was found", list)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := h.Execution(t.Context(), "nope")
		wantCode(t, err, quire.NotFound, "", "nope")
		_, _, err = h.Executions(t.Context(), quire.ExecutionFilter{ProjectID: "nope"})
		wantCode(t, err, quire.NotFound, "project_id: ", "nope")
		_, err = h.Notebook(t.Context(), "nope")
		wantCode(t, err, quire.NotFound, "", "nope")
	})
}

// An execution that ends between the look at the store and the look at the
// dispatcher must not be shown as it was before.
func TestExecutionThatEndsMeanwhile(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	if err := h.store.SaveProgress(t.Context(), id, e.Claim, nil, quire.Progress{State: quire.Running, Attempt: 1}, nil); err != nil {
		t.Fatal(err)
	}
	h.dispatcher.onLive = func() {
		h.dispatcher.onLive = nil
		p := quire.Progress{State: quire.Succeeded, Attempt: 1, CellsDone: 1, Timing: quire.Timing{Finished: time.Now()}}
		if err := h.store.SaveProgress(t.Context(), id, e.Claim, nil, p, nil); err != nil {
			t.Error(err)
		}
	}
	got, err := h.Execution(t.Context(), id)
	if err != nil || got.State != quire.Succeeded || got.CellsDone != 1 {
		t.Errorf("got %+v, %v, want SUCCEEDED", got.Progress, err)
	}
}
