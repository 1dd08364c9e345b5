package service_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

func TestExecute(t *testing.T) {
	h := newHouse(t, &service.Options{Run: quire.RunSettings{RunTimeout: time.Hour}})
	if _, err := h.UpdateRunSettings(t.Context(), caller, h.project, quire.RunSettings{CellTimeout: time.Minute}, nil); err != nil {
		t.Fatal(err)
	}
	r := h.request()
	r.Inputs = map[string]any{"region": "north", "year": json.Number("2026")}
	r.OutputNames = []string{"total", "by_month"}
	op, err := h.Execute(t.Context(), caller, r)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("is an operation that is not done", func(t *testing.T) {
		want := quire.Operation{
			ID: op.ID, Kind: quire.OpExecute, Description: "Execute notebook", ProjectID: h.project,
			Target:    quire.Target{Notebook: "reports/sales.ipynb", Given: "reports/sales.ipynb"},
			CreatedBy: "admin", CreatedAt: op.CreatedAt, ModifiedAt: op.ModifiedAt,
		}
		if diff := cmp.Diff(want, op); diff != "" || op.CreatedAt.IsZero() {
			t.Errorf("operation (-want +got):\n%s", diff)
		}
		again, err := h.Operation(t.Context(), op.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(op, again); diff != "" {
			t.Errorf("operation got later (-first +later):\n%s", diff)
		}
	})
	t.Run("is an execution in the queue", func(t *testing.T) {
		e, err := h.Execution(t.Context(), quire.ExecutionID(op.ID))
		if err != nil {
			t.Fatal(err)
		}
		run := quire.DefaultRunSettings()
		run.CellTimeout, run.RunTimeout = time.Minute, time.Hour
		want := quire.Execution{
			ID: quire.ExecutionID(op.ID), ProjectID: h.project, Target: op.Target,
			Inputs: r.Inputs, OutputNames: r.OutputNames, Spec: quire.DefaultSpec, Run: run,
			Terms:     quire.Terms{Spec: quire.DefaultCatalogue()[quire.DefaultSpec], MaxAttempts: 3},
			CreatedBy: "admin", CreatedAt: op.CreatedAt, Progress: quire.Progress{State: quire.Queued},
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("execution (-want +got):\n%s", diff)
		}
		if h.dispatcher.woken != 1 {
			t.Errorf("the dispatcher was woken %d times, want once", h.dispatcher.woken)
		}
	})
	t.Run("keeps the notebook as it was", func(t *testing.T) {
		h.put(t, "reports/sales.ipynb", "changed since")
		got, err := h.archive.Input(t.Context(), quire.ExecutionID(op.ID))
		if err != nil || string(got) != notebook {
			t.Errorf("got %q, %v, want the notebook as submitted", got, err)
		}
	})
}

func TestExecuteTarget(t *testing.T) {
	h := newHouse(t, nil)
	h.put(t, "we#ird.ipynb", notebook)
	tests := map[string]struct {
		given  string
		byCell bool
		want   quire.Target
	}{
		"relative":           {"reports/sales.ipynb", false, quire.Target{Notebook: "reports/sales.ipynb"}},
		"absolute":           {"/home/jupyter/datasphere/project/reports/sales.ipynb", false, quire.Target{Notebook: "reports/sales.ipynb"}},
		"dot":                {"./reports/./sales.ipynb", false, quire.Target{Notebook: "reports/sales.ipynb"}},
		"cell":               {"reports/sales.ipynb#first", true, quire.Target{Notebook: "reports/sales.ipynb", Cell: "first", ByCell: true}},
		"absolute cell":      {"/home/jupyter/datasphere/project/reports/sales.ipynb#first", true, quire.Target{Notebook: "reports/sales.ipynb", Cell: "first", ByCell: true}},
		"hash in a name":     {"we#ird.ipynb", false, quire.Target{Notebook: "we#ird.ipynb"}},
		"cell, hash in name": {"we#ird.ipynb#first", true, quire.Target{Notebook: "we#ird.ipynb", Cell: "first", ByCell: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := h.request()
			r.Target, r.ByCell = tt.given, tt.byCell
			op, err := h.Execute(t.Context(), caller, r)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Given = tt.given
			if diff := cmp.Diff(tt.want, op.Target); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExecuteRefuses(t *testing.T) {
	h := newHouse(t, nil)
	h.put(t, "text.ipynb", "no notebook")
	h.put(t, "cut.ipynb", notebook[:len(notebook)-20])
	h.put(t, "prose.ipynb", `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"markdown","id":"a","metadata":{},"source":""}]}`)
	h.put(t, "julia.ipynb", strings.Replace(notebook, `"python3"`, `"julia-1.11"`, 1))
	h.put(t, "old.ipynb", `{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":[{"cell_type":"code","metadata":{},"source":"1","outputs":[],"execution_count":null}]}`)
	lost := h.newProject(t, quire.Project{Settings: quire.ProjectSettings{DefaultSpec: "g1.1"}})

	invalid, missing := quire.InvalidArgument, quire.NotFound
	tests := map[string]struct {
		change  func(*service.ExecuteRequest)
		code    quire.Code
		field   string
		message string
	}{
		"unknown project":      {func(r *service.ExecuteRequest) { r.ProjectID = "nope" }, missing, "project_id", "nope"},
		"no notebook":          {func(r *service.ExecuteRequest) { r.Target = "" }, invalid, "notebook_id", "empty"},
		"missing file":         {func(r *service.ExecuteRequest) { r.Target = "reports/none.ipynb" }, missing, "notebook_id", "reports/none.ipynb"},
		"in another project":   {func(r *service.ExecuteRequest) { r.ProjectID = lost }, missing, "notebook_id", "sales.ipynb"},
		"dot dot":              {func(r *service.ExecuteRequest) { r.Target = "../x.ipynb" }, invalid, "notebook_id", "leaves the project"},
		"dot dot inside":       {func(r *service.ExecuteRequest) { r.Target = "reports/../../x.ipynb" }, invalid, "notebook_id", "leaves the project"},
		"dot dot behind root":  {func(r *service.ExecuteRequest) { r.Target = quire.ProjectRoot + "../x.ipynb" }, invalid, "notebook_id", "leaves the project"},
		"absolute":             {func(r *service.ExecuteRequest) { r.Target = "/etc/passwd" }, invalid, "notebook_id", "absolute"},
		"absolute behind root": {func(r *service.ExecuteRequest) { r.Target = quire.ProjectRoot + "/etc/passwd" }, invalid, "notebook_id", "absolute"},
		"almost the root":      {func(r *service.ExecuteRequest) { r.Target = "/home/jupyter/datasphere/projects/x" }, invalid, "notebook_id", "absolute"},
		"NUL":                  {func(r *service.ExecuteRequest) { r.Target = "reports/sales.ipynb\x00" }, invalid, "notebook_id", "control"},
		"folder":               {func(r *service.ExecuteRequest) { r.Target = "reports" }, invalid, "notebook_id", "folder"},
		"not a notebook":       {func(r *service.ExecuteRequest) { r.Target = "text.ipynb" }, invalid, "notebook_id", "text.ipynb"},
		"truncated":            {func(r *service.ExecuteRequest) { r.Target = "cut.ipynb" }, invalid, "notebook_id", "cut.ipynb"},
		"no code cells":        {func(r *service.ExecuteRequest) { r.Target = "prose.ipynb" }, invalid, "notebook_id", "no code cells"},
		"unknown kernel":       {func(r *service.ExecuteRequest) { r.Target = "julia.ipynb" }, invalid, "notebook_id", "python3, bash"},
		"no cell named":        {func(r *service.ExecuteRequest) { r.ByCell = true }, invalid, "cell_id", "names no cell"},
		"empty cell":           {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "reports/sales.ipynb#" }, invalid, "cell_id", "names no cell"},
		"cell of nothing":      {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "#first" }, invalid, "cell_id", "names no cell"},
		"unknown cell":         {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "reports/sales.ipynb#nope" }, invalid, "cell_id", `"nope"`},
		"markdown cell":        {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "reports/sales.ipynb#title" }, invalid, "cell_id", "markdown"},
		"cell without ids":     {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "old.ipynb#a" }, invalid, "cell_id", `"a"`},
		"cell of no file":      {func(r *service.ExecuteRequest) { r.ByCell, r.Target = true, "none.ipynb#a" }, missing, "cell_id", "none.ipynb"},
		"input name":           {func(r *service.ExecuteRequest) { r.Inputs = map[string]any{"a-b": "x"} }, invalid, "input_variables", `"a-b"`},
		"input value":          {func(r *service.ExecuteRequest) { r.Inputs = map[string]any{"a": "\x00"} }, invalid, "input_variables", "NUL"},
		"output name":          {func(r *service.ExecuteRequest) { r.OutputNames = []string{"f()"} }, invalid, "output_variable_names", `"f()"`},
		"output twice":         {func(r *service.ExecuteRequest) { r.OutputNames = []string{"a", "a"} }, invalid, "output_variable_names", "twice"},
		"unknown spec":         {func(r *service.ExecuteRequest) { r.Spec = "c9.9" }, invalid, "spec", "c1.32, c1.4"},
		"unknown connector":    {func(r *service.ExecuteRequest) { r.SparkConnectorID = "spark1" }, missing, "spark_connector_id", "spark1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := h.request()
			tt.change(&r)
			_, err := h.Execute(t.Context(), caller, r)
			wantCode(t, err, tt.code, tt.field+": ", tt.message)
		})
	}
	t.Run("leaves nothing behind", func(t *testing.T) {
		list, _, err := h.Executions(t.Context(), quire.ExecutionFilter{ProjectID: h.project})
		if err != nil || len(list) != 0 || h.dispatcher.woken != 0 {
			t.Errorf("got %v, %v and %d wakings, want none", list, err, h.dispatcher.woken)
		}
	})
}

func TestExecuteSpec(t *testing.T) {
	catalogue := quire.Catalogue{"small": {Name: "small"}, "large": {Name: "large"}}
	h := newHouse(t, &service.Options{Catalogue: catalogue})
	t.Run("without the default's default", func(t *testing.T) {
		_, err := h.Execute(t.Context(), caller, h.request())
		wantCode(t, err, quire.InvalidArgument, "spec: ", "known are large, small")
	})
	patch := quire.Project{ID: h.project, Settings: quire.ProjectSettings{DefaultSpec: "large"}}
	if _, err := h.UpdateProject(t.Context(), caller, patch, []string{"settings.default_dedicated_spec"}); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{"": "large", "small": "small"} {
		t.Run("asked for "+asked, func(t *testing.T) {
			r := h.request()
			r.Spec = asked
			op, err := h.Execute(t.Context(), caller, r)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := h.Execution(t.Context(), quire.ExecutionID(op.ID)); err != nil || e.Spec != want {
				t.Errorf("got %q, %v, want %q", e.Spec, err, want)
			}
		})
	}
}

func TestExecuteKernel(t *testing.T) {
	h := newHouse(t, nil)
	h.put(t, "bash.ipynb", strings.Replace(notebook, `"python3"`, `"bash"`, 1))
	h.put(t, "none.ipynb", `{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":[{"cell_type":"code","metadata":{},"source":"1","outputs":[],"execution_count":null}]}`)
	for _, path := range []string{"bash.ipynb", "none.ipynb"} {
		r := h.request()
		r.Target = path
		if _, err := h.Execute(t.Context(), caller, r); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestExecuteAgain(t *testing.T) {
	h := newHouse(t, nil)
	call := service.Call{Caller: "admin", IdempotencyKey: "key", Digest: "digest"}
	first, err := h.Execute(t.Context(), call, h.request())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteFile(t.Context(), h.project, "reports/sales.ipynb"); err != nil {
		t.Fatal(err)
	}

	t.Run("is the same operation", func(t *testing.T) {
		again, err := h.Execute(t.Context(), call, h.request())
		if err != nil || again.ID != first.ID {
			t.Errorf("got %q, %v, want %q", again.ID, err, first.ID)
		}
	})
	t.Run("with another request is refused", func(t *testing.T) {
		other := call
		other.Digest = "other"
		_, err := h.Execute(t.Context(), other, h.request())
		wantCode(t, err, quire.InvalidArgument, "", "another request")
		_, err = h.CreateProject(t.Context(), other, quire.Project{CommunityID: quire.DefaultCommunity})
		wantCode(t, err, quire.InvalidArgument, "", "another request")
	})
	t.Run("by another caller is another operation", func(t *testing.T) {
		h.put(t, "reports/sales.ipynb", notebook)
		other := call
		other.Caller = "somebody"
		again, err := h.Execute(t.Context(), other, h.request())
		if err != nil || again.ID == first.ID {
			t.Errorf("got %q, %v, want a new one", again.ID, err)
		}
	})
	t.Run("has started two", func(t *testing.T) {
		list, _, err := h.Executions(t.Context(), quire.ExecutionFilter{ProjectID: h.project})
		if err != nil || len(list) != 2 {
			t.Errorf("got %d executions, %v, want 2", len(list), err)
		}
	})
}

func TestNotebookInTheQueue(t *testing.T) {
	h := newHouse(t, nil)
	r, err := h.Notebook(t.Context(), h.execute(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got); strings.Contains(text, "old") || !strings.Contains(text, "print(1)") || strings.Contains(text, "7") {
		t.Errorf("got %s, want the notebook without its outputs and counts", text)
	}
}
