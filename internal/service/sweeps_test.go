package service_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

func (h *house) sweep() quire.Sweep {
	return quire.Sweep{
		ProjectID: h.project,
		Work: quire.ScheduledWork{
			Notebook: "reports/sales.ipynb", Inputs: map[string]any{"year": json.Number("2026")}, OutputNames: []string{"score", "note"},
		},
		Values: map[string][]any{"alpha": {json.Number("0.1"), json.Number("-2")}, "model": {"a", "=b()"}},
	}
}

func TestSweep(t *testing.T) {
	h := newHouse(t, nil)
	call := service.Call{Caller: "admin", IdempotencyKey: "key", Digest: "digest"}
	w, err := h.CreateSweep(t.Context(), call, h.sweep())
	if err != nil || w.Total != 4 || w.States[quire.Queued] != 4 || w.Done() {
		t.Fatalf("got %+v, %v", w, err)
	}
	if again, err := h.CreateSweep(t.Context(), call, h.sweep()); err != nil || again.ID != w.ID {
		t.Errorf("got %q, %v, want %q", again.ID, err, w.ID)
	}
	var order []map[string]any
	for i := range 4 {
		e := h.claim(t)
		order = append(order, e.Inputs)
		p := quire.Progress{State: quire.Succeeded, Attempt: 1, Outputs: []quire.Variable{
			{Name: "score", Type: quire.FloatVariable, Value: json.RawMessage([]string{"-0.5", "1", "null", `{"a":[1,2]}`}[i])},
			{Name: "note", Type: quire.StringVariable, Value: json.RawMessage(`"@x"`)},
		}}
		if i == 3 {
			p.Outputs[1].Value = json.RawMessage(`"` + strings.Repeat("x", quire.MaxCellBytes) + `"`)
		}
		if err := h.store.SaveProgress(t.Context(), e.ID, e.Claim, nil, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	year := json.Number("2026")
	if diff := cmp.Diff(order, []map[string]any{
		{"year": year, "alpha": json.Number("0.1"), "model": "a"},
		{"year": year, "alpha": json.Number("0.1"), "model": "=b()"},
		{"year": year, "alpha": json.Number("-2"), "model": "a"},
		{"year": year, "alpha": json.Number("-2"), "model": "=b()"},
	}); diff != "" {
		t.Errorf("inputs (-got +want):\n%s", diff)
	}
	w, list, err := h.SweepExecutions(t.Context(), w.ID)
	if err != nil || !w.Done() || len(list) != 4 {
		t.Fatalf("got %+v, %d executions, %v", w, len(list), err)
	}
	got, err := service.WriteCSV(w, list)
	if err != nil {
		t.Fatal(err)
	}
	want := `execution_id,state,alpha,model,score,note
0,SUCCEEDED,0.1,a,-0.5,'@x
1,SUCCEEDED,0.1,'=b(),1,'@x
2,SUCCEEDED,-2,a,null,'@x
3,SUCCEEDED,-2,'=b(),"{""a"":[1,2]}",(too large)
`
	text := string(got)
	for i, e := range list {
		text = strings.ReplaceAll(text, string(e.ID), string(rune('0'+i)))
	}
	if diff := cmp.Diff(text, want); diff != "" {
		t.Errorf("table (-got +want):\n%s", diff)
	}
}

func TestSweepCancel(t *testing.T) {
	h := newHouse(t, nil)
	w, err := h.CreateSweep(t.Context(), caller, h.sweep())
	if err != nil {
		t.Fatal(err)
	}
	h.end(t, h.claim(t), quire.Succeeded, nil)
	if _, err := h.CancelSweep(t.Context(), w.ID); err != nil {
		t.Fatal(err)
	}
	if got := len(h.dispatcher.cancelled); got != 3 {
		t.Errorf("%d executions are cancelled, want those that have not ended, 3", got)
	}
}

func TestSweepRefused(t *testing.T) {
	h := newHouse(t, &service.Options{MaxQueued: 3})
	many := make([]any, 32)
	for _, tt := range []struct {
		change         func(*quire.Sweep)
		code           quire.Code
		field, message string
	}{
		{func(w *quire.Sweep) { w.Values = nil }, quire.InvalidArgument, "values: ", "empty"},
		{func(w *quire.Sweep) { w.Values["alpha"] = nil }, quire.InvalidArgument, "values: ", "alpha has an empty list"},
		{func(w *quire.Sweep) { w.Values["year"] = []any{"x"} }, quire.InvalidArgument, "values: ", "year is in input_variables too"},
		{func(w *quire.Sweep) { w.Values["a"], w.Values["b"] = many, many }, quire.InvalidArgument, "values: ", "1000"},
		{func(w *quire.Sweep) { w.Values["a b"] = []any{"x"} }, quire.InvalidArgument, "values: ", "a b"},
		{func(w *quire.Sweep) { w.Work.Notebook = "nope.ipynb" }, quire.NotFound, "notebook: ", "nope"},
		{func(w *quire.Sweep) { w.ProjectID = "nope" }, quire.NotFound, "project_id: ", "nope"},
		{func(*quire.Sweep) {}, quire.ResourceExhausted, "", "3 executions are in the queue"},
	} {
		w := h.sweep()
		tt.change(&w)
		_, err := h.CreateSweep(t.Context(), caller, w)
		wantCode(t, err, tt.code, tt.field, tt.message)
	}
	if list, _, err := h.Executions(t.Context(), quire.ExecutionFilter{ProjectID: h.project}); err != nil || len(list) > 0 {
		t.Errorf("%d executions are there, %v, want none", len(list), err)
	}
}
