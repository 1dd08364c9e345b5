package executor_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/nbformat"
)

// wantOutputs compares what a cell shows: streams by their text, the rest by
// type and text/plain.
func wantOutputs(t *testing.T, nb *nbformat.Notebook, index int, want ...string) {
	t.Helper()
	var got []string
	for _, o := range nb.Cells[index].Outputs {
		switch o.Type {
		case nbformat.StreamOutput:
			got = append(got, o.Name+": "+o.Text)
		case nbformat.ErrorOutput:
			got = append(got, "error: "+o.ErrorName)
		case nbformat.DisplayData, nbformat.ExecuteResult:
			plain, _ := nbformat.Get[string](o.Data, "text/plain")
			got = append(got, string(o.Type)+": "+plain)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cell %d (-want +got):\n%s", index, diff)
	}
}

func TestSemanticsOnIPykernel(t *testing.T) {
	job := newJob(t, "python3",
		cell("from IPython.display import display, clear_output, update_display\nimport sys\n"+
			"IPYTHONS = 'CLICOLOR CLICOLOR_FORCE FORCE_COLOR GIT_PAGER MPLBACKEND PAGER TERM LC_CTYPE'.split()"), // 0
		cell("print('a')\nprint('b', file=sys.stderr)\n'value'"),    // 1
		cell("print('10%', end='\\r')\nprint('100%')"),              // 2
		cell("print('old')\nclear_output(wait=True)\nprint('new')"), // 3
		cell("h = display('one', display_id='d')"),                  // 4
		cell("update_display('two', display_id='d')"),               // 5
		cell("1/0", "raises-exception"),                             // 6
		cell("raise SystemError('not run')", "skip-execution"),      // 7
		cell(""), // 8
		cell("import os\nos.environ['NUMBER'], os.environ['LIST'], os.environ['NONE'], os.getcwd() == os.environ['CWD']"),                 // 9
		cell("open('written.txt', 'w').write('here')"),                                                                                    // 10
		cell("input('name?')", "raises-exception"),                                                                                        // 11
		cell("import ipywidgets\nout = ipywidgets.Output()\nslider = ipywidgets.IntSlider(value=3)\nwith out:\n    print('inside')\nout"), // 12
		cell("slider.value = 8\nout.outputs[0]['text']"),                                                                                  // 13
		cell("get_ipython().history_manager.hist_file"),                                                                                   // 14
		cell("import subprocess\nsubprocess.run(['echo', 'child'])\nNone"),                                                                // 15
		cell("import threading\nthreading.Thread(target=lambda: print('thread')).start()\nawait __import__('asyncio').sleep(0)\nNone"),    // 16
		cell("print(*sorted(k for k in os.environ if k not in IPYTHONS and not k.startswith(('JPY', 'PYDEVD'))))"),                        // 17
	)
	t.Setenv("QUIRE_TOKEN", "secret")
	job.Inputs = map[string]any{"NUMBER": json.Number("3.0"), "LIST": []any{json.Number("1"), "x"}, "NONE": nil, "CWD": job.WorkDir}
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v %+v", r.end, r.end.Failure)
	}
	nb := r.notebook
	wantOutputs(t, nb, 1, "stdout: a\n", "stderr: b\n", "execute_result: 'value'")
	wantOutputs(t, nb, 2, "stdout: 100%\n")
	wantOutputs(t, nb, 3, "stdout: new\n")
	wantOutputs(t, nb, 4, "display_data: 'two'")
	wantOutputs(t, nb, 5)
	wantOutputs(t, nb, 6, "error: ZeroDivisionError")
	wantOutputs(t, nb, 7)
	wantOutputs(t, nb, 9, "execute_result: ('3', '[1,\"x\"]', '', True)")
	wantOutputs(t, nb, 11, "error: StdinNotImplementedError")
	wantOutputs(t, nb, 13, "execute_result: 'inside\\n'")
	wantOutputs(t, nb, 14, "execute_result: ':memory:'")
	wantOutputs(t, nb, 15, "stdout: child\n")
	wantOutputs(t, nb, 16, "stdout: thread\n")
	wantOutputs(t, nb, 17, "stdout: CWD HOME LIST NONE NUMBER PATH QUIRE_EXECUTION_ID QUIRE_PROJECT_ID\n")
	if data, err := os.ReadFile(filepath.Join(job.WorkDir, "written.txt")); err != nil || string(data) != "here" {
		t.Errorf("got %q, %v", data, err)
	}
	widgets, _ := nbformat.Get[json.RawMessage](nb.Metadata, "widgets")
	if !strings.Contains(string(widgets), "IntSliderModel") || !strings.Contains(string(widgets), `"value":8`) || !strings.Contains(string(widgets), `inside`) {
		t.Errorf("the widgets' state is not kept: %s", widgets)
	}
	for i, c := range nb.Cells {
		timing, _ := nbformat.Get[map[string]string](c.Metadata, "execution")
		if ran := i != 7 && i != 8; ran != (timing["shell.execute_reply"] != "") {
			t.Errorf("cell %d: got the timing %v", i, timing)
		}
	}
}

func TestBashKernel(t *testing.T) {
	t.Parallel()
	job := newJob(t, "bash", cell("who=nobody", "parameters"), cell("echo \"hello $who\"\nn=$((6 * 7))"))
	job.Inputs = map[string]any{"who": "it's \"me\"", "other": "x"}
	job.OutputNames = []string{"n", "who", "absent", "not.a.name"}
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v", r.end.Failure)
	}
	wantOutputs(t, r.notebook, 2, "stdout: hello it's \"me\"\n")
	want := []quire.Variable{
		{Name: "n", Type: quire.StringVariable, Value: json.RawMessage(`"42"`)},
		{Name: "who", Type: quire.StringVariable, Value: json.RawMessage(`"it's \"me\""`)},
		{Name: "absent", Type: quire.MissingVariable},
		{Name: "not.a.name", Type: quire.MissingVariable},
	}
	if diff := cmp.Diff(want, r.progress.Outputs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEndsOnIPykernel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		source string
		state  quire.State
		kind   quire.FailureKind
		signal string
		exit   int
	}{
		{"sys.exit(0)", "import sys; sys.exit(0)", quire.Succeeded, "", "", 0},
		{"sys.exit()", "import sys; sys.exit()", quire.Succeeded, "", "", 0},
		{"quit", "quit()", quire.Succeeded, "", "", 0},
		{"sys.exit(3)", "import sys; sys.exit(3)", quire.Failed, quire.CellFailed, "", 0},
		{"sys.exit(text)", "import sys; sys.exit('no')", quire.Failed, quire.CellFailed, "", 0},
		{"syntax error", "def", quire.Failed, quire.CellFailed, "", 0},
		{"killed", "import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGKILL)", quire.Failed, quire.KernelDied, "SIGKILL", 0},
		{"segfault", "import ctypes; ctypes.string_at(0)", quire.Failed, quire.KernelDied, "SIGSEGV", 0},
		{"os._exit", "import os; os._exit(9)", quire.Failed, quire.KernelDied, "", 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, t.Context(), newJob(t, "python3", cell(tt.source), cell("print('never')")), nil)
			if r.end.State != tt.state {
				t.Fatalf("got %s, want %s: %+v", r.end.State, tt.state, r.end.Failure)
			}
			if f := r.end.Failure; f != nil && (f.Kind != tt.kind || f.Signal != tt.signal || (tt.exit != 0 && *f.ExitStatus != tt.exit)) {
				t.Errorf("got %+v", f)
			}
			if c := r.notebook.Cells[1]; len(c.Outputs) != 0 || c.ExecutionCount != 0 {
				t.Errorf("the next cell is shown as run: %+v", c)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	for _, tt := range []struct {
		limit string
		set   func(*quire.RunSettings)
	}{
		{"cell_timeout", func(s *quire.RunSettings) { s.CellTimeout = 300 * time.Millisecond }},
		{"run_timeout", func(s *quire.RunSettings) { s.RunTimeout = 6 * time.Second }},
	} {
		t.Run(tt.limit, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, "python3", cell("print('begun', flush=True)\nimport time; time.sleep(600)"))
			tt.set(&job.Run)
			r := run(t, t.Context(), job, nil)
			if f := r.end.Failure; r.end.State != quire.Aborted || f.Kind != quire.Limited || f.Limit != tt.limit {
				t.Errorf("got %+v %+v, want %s", r.end, f, tt.limit)
			}
			if got := text(r.notebook.Cells[0]); got != "begun\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestEndlessOutputIsCut(t *testing.T) {
	t.Parallel()
	job := newJob(t, "python3", cell("for i in range(200_000):\n    print('x' * 100)\nprint('end')"), cell("print('after')"))
	job.Run.MaxCellOutput = 1 << 20
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v", r.end.Failure)
	}
	if got := len(text(r.notebook.Cells[0])); got < 1<<20 || got > 1<<20+200 {
		t.Errorf("got %d bytes, want the limit and a mark", got)
	}
	wantOutputs(t, r.notebook, 1, "stdout: after\n")
	info, err := os.Stat(job.JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 2<<20 {
		t.Errorf("the journal has grown to %d bytes", info.Size())
	}
}

func TestCannotStart(t *testing.T) {
	for _, tt := range []struct {
		name, kernel, want string
	}{
		{"unknown kernel", "cobol", "cobol"},
		{"program that is not there", "absent", "cannot be run"},
		{"kernel that exits at once", "broken", "exit status 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, tt.kernel, cell("1"))
			dir := t.TempDir()
			for name, argv := range map[string]string{"absent": `["/nowhere/at/all"]`, "broken": `["sh", "-c", "echo /secret/place/tool: broken >&2; exit 1"]`} {
				if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
					t.Fatal(err)
				}
				spec := `{"argv": ` + argv + `, "display_name": "x", "language": "x"}`
				if err := os.WriteFile(filepath.Join(dir, name, "kernel.json"), []byte(spec), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			job.KernelPath = append([]string{dir}, job.KernelPath...)
			r := run(t, t.Context(), job, nil)
			f := r.end.Failure
			if r.end.State != quire.Failed || f.Kind != quire.QuireFault || !strings.Contains(f.Message, tt.want) {
				t.Errorf("got %+v", f)
			}
			if strings.Contains(f.Message, "secret") || strings.Contains(f.Message, "nowhere") {
				t.Errorf("the message leaks a path: %s", f.Message)
			}
			if r.progress.Timing.Started.IsZero() || r.progress.CellsDone != 0 {
				t.Errorf("got %+v", r.progress)
			}
		})
	}
}
