package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"quire"
	"quire/internal/dispatch"
)

// fullProgress returns a progress with every field set.
func fullProgress(state quire.State) quire.Progress {
	return quire.Progress{
		State:      state,
		Attempt:    2,
		Kernel:     "python3",
		CellsTotal: 12,
		CellsDone:  11,
		Timing: quire.Timing{
			Started:     start,
			Environment: start.Add(time.Second),
			Kernel:      start.Add(2 * time.Second),
			Finished:    start.Add(time.Hour),
		},
		Outputs: []quire.Variable{
			{Name: "b", Type: quire.IntVariable, Value: json.RawMessage(`"9007199254740993123"`)},
			{Name: "t", Type: quire.StringVariable, Value: json.RawMessage(`"<b>&\u0000"`)},
			{Name: "f", Type: quire.FloatVariable, Value: json.RawMessage(`1e400`)},
			{Name: "d", Type: quire.DataFrameVariable, Value: json.RawMessage(`[{"a": [1, null]}]`), Truncated: true},
			{Name: "m", Type: quire.MissingVariable},
		},
		Failure: &quire.Failure{
			Kind:       quire.CellFailed,
			Message:    "The cell raised.",
			Cell:       new(0),
			CellID:     "c1",
			ErrorName:  "ValueError",
			ErrorValue: "<ü>",
			Traceback:  []string{"\x1b[31mline\x1b[0m", ""},
			Signal:     "SIGKILL",
			ExitStatus: new(-9),
			Limit:      "cell_timeout",
			PeakMemory: 1 << 40, MemoryLimit: 1 << 41,
		},
		Attempts: []quire.Attempt{{
			Number: 1, Started: start, Finished: start.Add(time.Minute),
			Failure: &quire.Failure{Kind: quire.QuireFault, Message: "The executor died."},
		}},
		Bounds:  &quire.Bounds{CPUs: 2, MemoryBytes: 1 << 41, Processes: 3, Clamped: true, By: "cgroup v1"},
		Receipt: &quire.Receipt{Notebook: "sha256:n", Inputs: "sha256:i", Environment: "sha256:e", RetryOf: "another"},
		Price:   4,
		Units:   1 << 60,
	}
}

func saveProgress(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	want := fullExecution(p.ID)
	addExecution(t, s, want)
	want.Claim = claim(t, s, "d1", want.ID).Claim

	empty := quire.Progress{State: quire.Running, Outputs: []quire.Variable{}}
	// Any order: a later progress replaces the one before altogether.
	for _, step := range []struct {
		name     string
		handle   quire.Handle
		progress quire.Progress
	}{
		{"starting", nil, quire.Progress{State: quire.Starting, Attempt: 1}},
		{"full", json.RawMessage(`{"pid": 12345678901234567890, "a": "<&>"}`), fullProgress(quire.Running)},
		{"empty outputs", json.RawMessage(`null`), empty},
		{"bare", nil, quire.Progress{State: quire.Running}},
	} {
		must(t, s.SaveProgress(ctx, want.ID, want.Claim, step.handle, step.progress, nil))
		got, err := s.Execution(ctx, want.ID)
		must(t, err)
		want.Progress, want.Handle = step.progress, step.handle
		same(t, step.name, got, want)
	}
	op, err := s.Operation(ctx, quire.OperationID(want.ID))
	must(t, err)
	same(t, "operation of a running execution", op, executeOperation(want))
}

func saveProgressQueued(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	retried := addExecution(t, s, newExecution(p.ID))
	younger := addExecution(t, s, newExecution(p.ID))
	first := claim(t, s, "d1", retried.ID).Claim
	back := quire.Progress{State: quire.Queued, Attempt: 1}
	must(t, s.SaveProgress(ctx, retried.ID, first, nil, back, nil))

	got, err := s.Execution(ctx, retried.ID)
	must(t, err)
	same(t, "progress", got.Progress, back)
	same(t, "claim", got.Claim, quire.Claim{Token: 1})
	if err := s.SaveProgress(ctx, retried.ID, first, nil, back, nil); !errors.Is(err, dispatch.ErrClaimLost) {
		t.Errorf("second write of the lease that was given back: error %v, want ErrClaimLost", err)
	}
	second := claim(t, s, "d2", retried.ID) // it keeps its place in the queue
	same(t, "second claim", second.Claim, quire.Claim{Owner: "d2", Token: 2, Until: lease})
	same(t, "attempt", second.Attempt, 1)
	claim(t, s, "d2", younger.ID)
}

func saveProgressEnd(t *testing.T, s Store) {
	p := addProject(t, s, newProject())
	fault := quire.Invalid("kernel", "no kernel %q <&>", "x")
	for _, test := range []struct {
		state  quire.State
		failed *quire.Error
	}{
		{quire.Succeeded, nil},
		{quire.Failed, nil},
		{quire.Aborted, nil},
		{quire.Failed, fault},
		{quire.Failed, quire.Errorf(quire.Internal, "a fault of our own")},
		{quire.Failed, quire.Errorf(quire.Unimplemented, "later")},
	} {
		t.Run(string(test.state), func(t *testing.T) {
			ctx := t.Context()
			e := addExecution(t, s, newExecution(p.ID))
			c := claim(t, s, "d1", e.ID).Claim
			progress := fullProgress(test.state)
			handle := json.RawMessage(`{"pid":1}`)
			must(t, s.SaveProgress(ctx, e.ID, c, handle, progress, test.failed))

			got, err := s.Execution(ctx, e.ID)
			must(t, err)
			e.Progress, e.Handle, e.Claim = progress, handle, quire.Claim{Token: 1}
			same(t, "execution", got, e)
			want := executeOperation(e)
			op, err := s.Operation(ctx, want.ID)
			must(t, err)
			if !op.ModifiedAt.After(want.CreatedAt.Add(-time.Hour)) || op.ModifiedAt.Equal(want.ModifiedAt) {
				t.Errorf("modified at %v, want the time of its end", op.ModifiedAt)
			}
			want.Done, want.ModifiedAt, want.Failure = true, op.ModifiedAt, test.failed
			if test.failed == nil {
				want.Result = json.RawMessage(`"` + string(test.state) + `"`)
			}
			same(t, "operation", op, want)

			for _, state := range quire.States() {
				err := s.SaveProgress(ctx, e.ID, c, nil, quire.Progress{State: state}, nil)
				if !errors.Is(err, dispatch.ErrClaimLost) {
					t.Errorf("saving %s after the end: error %v, want ErrClaimLost", state, err)
				}
			}
			left, err := s.ClaimAbandoned(ctx, "d2", lease.AddDate(1, 0, 0), lease.AddDate(2, 0, 0))
			must(t, err)
			if len(left) != 0 {
				t.Errorf("an ended execution was taken over as abandoned")
			}
			claimNothing(t, s)
		})
	}
}
