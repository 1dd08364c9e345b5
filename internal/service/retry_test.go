package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

func TestRetry(t *testing.T) {
	h := newHouse(t, nil)
	r := h.request()
	r.Inputs, r.OutputNames, r.Priority, r.Spec = map[string]any{"region": "north"}, []string{"total"}, 7, "c1.8"
	r.Target, r.ByCell = "reports/sales.ipynb#first", true
	if _, err := h.UpdateRunSettings(t.Context(), caller, h.project, quire.RunSettings{CellTimeout: time.Minute}, nil); err != nil {
		t.Fatal(err)
	}
	op, err := h.Execute(t.Context(), caller, r)
	if err != nil {
		t.Fatal(err)
	}
	first := quire.ExecutionID(op.ID)
	_, err = h.Retry(t.Context(), caller, first)
	wantCode(t, err, quire.FailedPrecondition, "execution_id: ", "QUEUED")
	h.end(t, h.claim(t), quire.Failed, nil)
	old, err := h.Execution(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}

	// Neither the file nor the project's settings are what they were.
	h.put(t, "reports/sales.ipynb", "changed since")
	if _, err := h.UpdateRunSettings(t.Context(), caller, h.project, quire.RunSettings{CellTimeout: time.Hour}, nil); err != nil {
		t.Fatal(err)
	}
	h.update(t, quire.Project{Limits: quire.ProjectLimits{MaxUnitsPerExecution: new(int64(100))}}, "limits")
	call := service.Call{Caller: "bob", IdempotencyKey: "key", Digest: "digest"}
	got, err := h.Retry(t.Context(), call, first)
	if err != nil {
		t.Fatal(err)
	}
	want := quire.Execution{
		ID: got.ID, ProjectID: old.ProjectID, Target: old.Target, Inputs: old.Inputs, OutputNames: old.OutputNames,
		Spec: "c1.8", Run: old.Run, Terms: old.Terms, Priority: 7, RetryOf: first,
		CreatedBy: "bob", CreatedAt: got.CreatedAt, Progress: quire.Progress{State: quire.Queued},
	}
	want.Terms.MaxUnits = 100
	if diff := cmp.Diff(want, got); diff != "" || got.ID == first {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
	if input, err := h.archive.Input(t.Context(), got.ID); err != nil || string(input) != notebook {
		t.Errorf("got %q, %v, want the notebook as submitted", input, err)
	}
	if op, err := h.Operation(t.Context(), quire.OperationID(got.ID)); err != nil || op.Kind != quire.OpExecute || op.Done || op.Target != old.Target {
		t.Errorf("got %+v, %v, want the operation of an execution", op, err)
	}

	t.Run("again with the key", func(t *testing.T) {
		again, err := h.Retry(t.Context(), call, first)
		if err != nil || again.ID != got.ID {
			t.Errorf("got %q, %v, want %q", again.ID, err, got.ID)
		}
		other := call
		other.Digest = "other"
		_, err = h.Retry(t.Context(), other, first)
		wantCode(t, err, quire.InvalidArgument, "", "another request")
	})
	t.Run("of a retry", func(t *testing.T) {
		h.end(t, h.claim(t), quire.Succeeded, nil)
		third, err := h.Retry(t.Context(), caller, got.ID)
		if err != nil || third.RetryOf != got.ID {
			t.Errorf("got a retry of %q, %v, want of %q", third.RetryOf, err, got.ID)
		}
	})
	t.Run("refused", func(t *testing.T) {
		_, err := h.Retry(t.Context(), caller, "nope")
		wantCode(t, err, quire.NotFound, "execution_id: ", "nope")
		if err := h.archive.Remove(t.Context(), first); err != nil { // it expires at this moment
			t.Fatal(err)
		}
		_, err = h.Retry(t.Context(), caller, first)
		wantCode(t, err, quire.NotFound, "execution_id: ", string(first))
		h.setBalance(t, 0)
		_, err = h.Retry(t.Context(), caller, got.ID)
		wantCode(t, err, quire.FailedPrecondition, "", "no units left")
	})
}

// update changes what mask names of the house's project.
func (h *house) update(t *testing.T, patch quire.Project, mask ...string) {
	t.Helper()
	patch.ID = h.project
	if _, err := h.UpdateProject(t.Context(), caller, patch, mask); err != nil {
		t.Fatal(err)
	}
}

func (h *house) setBalance(t *testing.T, units int64) {
	t.Helper()
	if _, err := h.SetUnitBalance(t.Context(), caller, h.project, &units); err != nil {
		t.Fatal(err)
	}
}
