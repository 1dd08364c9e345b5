package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

// fullExecution returns an execution with every field set that its creator sets.
func fullExecution(project quire.ProjectID) quire.Execution {
	e := newExecution(project)
	e.Target = quire.Target{Notebook: "a/ü b.ipynb", Cell: "c1", Given: "a/ü b.ipynb/c1", ByCell: true}
	e.Inputs = map[string]any{
		"nothing": nil,
		"yes":     true,
		"big":     json.Number("123456789012345678901234567890"),
		"float":   json.Number("1.50"),
		"text":    "<b>\u2028 & 'quotes' \"\\",
		"list":    []any{json.Number("1"), "two", []any{}, nil},
		"dict":    map[string]any{"k": json.Number("-0"), "e": map[string]any{}},
	}
	e.OutputNames = []string{"b", "a", "b"}
	e.Spec, e.SparkConnectorID = "g2.8", "spark"
	e.Run = quire.RunSettings{
		CellTimeout: 1, RunTimeout: -1, InterruptGrace: 2 * time.Second, StartTimeout: 3, IOPubTimeout: 4,
		MaxCellOutput: 1 << 60, MaxOutput: 6, MaxVariableBytes: 7, MaxVariableRows: 8,
	}
	e.Terms = quire.Terms{
		Spec:     quire.Spec{Name: "g2.8", CPUs: 1, MemoryGB: 2, GPUs: 3, GPUModel: "A100", UnitsPerSecond: 4},
		MaxUnits: 5, StaleAfter: 6, MaxAttempts: 7,
	}
	e.Priority, e.RetryOf = 8, "another"
	return e
}

func executions(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	empties := newExecution(p.ID)
	empties.Inputs, empties.OutputNames = map[string]any{}, []string{}
	for name, e := range map[string]quire.Execution{
		"full": fullExecution(p.ID), "bare": newExecution(p.ID), "empty inputs": empties,
	} {
		t.Run(name, func(t *testing.T) {
			want := executeOperation(e)
			op, err := s.CreateExecution(ctx, e, want, service.QueueLimits{})
			must(t, err)
			same(t, "operation", op, want)
			op, err = s.Operation(ctx, want.ID)
			must(t, err)
			same(t, "stored operation", op, want)
			stored, err := s.Execution(ctx, e.ID)
			must(t, err)
			same(t, "execution", stored, e)
		})
	}
	_, err := s.Execution(ctx, "nobody")
	wantCode(t, err, quire.NotFound)

	lost := newExecution("nobody")
	_, err = s.CreateExecution(ctx, lost, executeOperation(lost), service.QueueLimits{})
	wantCode(t, err, quire.NotFound)
	_, err = s.Operation(ctx, quire.OperationID(lost.ID))
	wantCode(t, err, quire.NotFound)
}

func executionFilters(t *testing.T, s Store) {
	ctx := t.Context()
	p, other := addProject(t, s, newProject()), addProject(t, s, newProject())
	first := addExecution(t, s, newExecution(p.ID)).ID
	second := addExecution(t, s, newExecution(p.ID)).ID
	third := addExecution(t, s, newExecution(other.ID)).ID
	claim(t, s, "d1", first)

	for _, test := range []struct {
		name   string
		filter quire.ExecutionFilter
		want   []quire.ExecutionID
	}{
		{"none", quire.ExecutionFilter{}, []quire.ExecutionID{third, second, first}},
		{"project, newest first", quire.ExecutionFilter{ProjectID: p.ID}, []quire.ExecutionID{second, first}},
		{"state", quire.ExecutionFilter{State: quire.Queued}, []quire.ExecutionID{third, second}},
		{"project and state", quire.ExecutionFilter{ProjectID: p.ID, State: quire.Starting}, []quire.ExecutionID{first}},
		{"state of none", quire.ExecutionFilter{State: quire.Failed}, nil},
		{"unknown project", quire.ExecutionFilter{ProjectID: "nobody"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, next, err := s.Executions(ctx, test.filter)
			must(t, err)
			var got []quire.ExecutionID
			for _, e := range found {
				got = append(got, e.ID)
			}
			same(t, "ids", got, test.want)
			same(t, "token", next, "")
		})
	}
}

func requestCancel(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	_, err := s.RequestCancel(ctx, "nobody")
	wantCode(t, err, quire.NotFound)

	want := addExecution(t, s, newExecution(p.ID))
	got, err := s.RequestCancel(ctx, want.ID)
	must(t, err)
	if got.CancelRequestedAt.IsZero() {
		t.Fatal("the execution was not asked to stop")
	}
	want.CancelRequestedAt = got.CancelRequestedAt
	same(t, "execution", got, want)
	again, err := s.RequestCancel(ctx, want.ID)
	must(t, err)
	same(t, "execution asked twice", again, want)

	// It stays in the queue: the dispatcher is who ends it.
	claimed := claim(t, s, "d1", want.ID)
	if !claimed.CancelRequestedAt.Equal(want.CancelRequestedAt) {
		t.Errorf("claimed with the request of %v, want %v", claimed.CancelRequestedAt, want.CancelRequestedAt)
	}

	ended := addExecution(t, s, newExecution(p.ID))
	c := claim(t, s, "d1", ended.ID)
	must(t, s.SaveProgress(ctx, ended.ID, c.Claim, nil, quire.Progress{State: quire.Succeeded}, nil))
	got, err = s.RequestCancel(ctx, ended.ID)
	must(t, err)
	if !got.CancelRequestedAt.IsZero() || got.State != quire.Succeeded {
		t.Errorf("an ended execution is %s and was asked to stop at %v, want it untouched", got.State, got.CancelRequestedAt)
	}
}
