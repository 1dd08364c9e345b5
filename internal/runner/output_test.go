package runner_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/runner"
	"quire/jupyter/jupytertest"
	"quire/nbformat"
)

// shown lists a cell's outputs, one line each.
func shown(c *nbformat.Cell) []string {
	var lines []string
	for _, o := range c.Outputs {
		switch o.Type {
		case nbformat.StreamOutput:
			lines = append(lines, o.Name+": "+o.Text)
		case nbformat.ErrorOutput:
			lines = append(lines, "error: "+o.ErrorName+": "+o.ErrorValue)
		case nbformat.DisplayData, nbformat.ExecuteResult:
			plain, _ := nbformat.Get[string](o.Data, "text/plain")
			lines = append(lines, string(o.Type)+": "+plain)
		}
	}
	return lines
}

func plain(text string) map[string]any { return map[string]any{"text/plain": text} }

func TestOutputs(t *testing.T) {
	for _, tt := range []struct {
		name          string
		first, second script
		want          [2][]string // of the two cells
	}{
		{
			name: "streams are joined while they follow each other",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdout", "a")
				c.Stream("stdout", "b\n")
				c.Stream("stderr", "c\n")
				c.Stream("stdout", "d\n")
			},
			want: [2][]string{{"stdout: ab\n", "stderr: c\n", "stdout: d\n"}, nil},
		},
		{
			name: "carriage return and backspace work as in a terminal",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdout", "10%\r")
				c.Stream("stdout", "100%\nab\b")
				c.Stream("stdout", "c\n")
			},
			want: [2][]string{{"stdout: 100%\nac\n"}, nil},
		},
		{
			name: "clear_output at once",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdout", "old\n")
				c.Clear(false)
				c.Stream("stdout", "new\n")
			},
			want: [2][]string{{"stdout: new\n"}, nil},
		},
		{
			name: "clear_output waits for the next output",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdout", "old\n")
				c.Clear(true)
			},
			second: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdout", "old\n")
				c.Clear(true)
				c.Display("", plain("new"))
			},
			want: [2][]string{{"stdout: old\n"}, {"display_data: new"}},
		},
		{
			name:   "a later cell updates an earlier one's display",
			first:  func(c *jupytertest.Cell, _ *process) { c.Display("id", plain("one")) },
			second: func(c *jupytertest.Cell, _ *process) { c.UpdateDisplay("id", plain("two")) },
			want:   [2][]string{{"display_data: two"}, nil},
		},
		{
			name:   "a display shown again is brought up to date everywhere",
			first:  func(c *jupytertest.Cell, _ *process) { c.Display("id", plain("one")) },
			second: func(c *jupytertest.Cell, _ *process) { c.Display("id", plain("two")) },
			want:   [2][]string{{"display_data: two"}, {"display_data: two"}},
		},
		{
			name:  "an update of what was never shown is nothing",
			first: func(c *jupytertest.Cell, _ *process) { c.UpdateDisplay("id", plain("two")) },
		},
		{
			name:  "a result carries the kernel's count",
			first: func(c *jupytertest.Cell, _ *process) { c.Result(plain("42")) },
			want:  [2][]string{{"execute_result: 42"}, nil},
		},
		{
			name: "output of a finished cell comes late and stays its own",
			second: func(c *jupytertest.Cell, _ *process) {
				c.Kernel.Publish(c.Requests()[len(c.Requests())-2], "stream", map[string]string{"name": "stdout", "text": "late\n"})
			},
			want: [2][]string{{"stdout: late\n"}, nil},
		},
		{
			name: "messages that answer nothing of ours are nothing",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Kernel.Publish(nil, "stream", map[string]string{"name": "stdout", "text": "whose?"})
				c.Publish("stream", []string{"not", "a", "stream"})
				c.Publish("display_data", "nonsense")
				c.Publish("error", 3)
				c.Publish("never_heard_of", map[string]any{})
				c.Publish("clear_output", "x")
			},
		},
		{
			name: "a comm that nobody answers",
			first: func(c *jupytertest.Cell, _ *process) {
				c.OpenComm("c1", "somebody.elses", map[string]any{"x": 1})
				c.SendComm("c1", map[string]any{"method": "custom"})
				c.CloseComm("c1")
				c.Stream("stdout", "goes on\n")
			},
			want: [2][]string{{"stdout: goes on\n"}, nil},
		},
		{
			name: "an unknown stream is stdout",
			first: func(c *jupytertest.Cell, _ *process) {
				c.Stream("stdlog", "x\n")
			},
			want: [2][]string{{"stdout: x\n"}, nil},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := play(t, t.Context(), notebook("first", "second"), map[string]script{"first": tt.first, "second": tt.second}, runner.Options{Run: settings()})
			if out.end.State != quire.Succeeded {
				t.Fatalf("got %+v", out.end)
			}
			for i, want := range tt.want {
				if diff := cmp.Diff(want, shown(out.notebook.Cells[i])); diff != "" {
					t.Errorf("cell %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestMimeBundle(t *testing.T) {
	out := play(t, t.Context(), notebook("first"), map[string]script{"first": func(c *jupytertest.Cell, _ *process) {
		c.Display("", map[string]any{
			"text/plain":       []string{"two\n", "lines"},
			"text/html":        map[string]any{"not": "text"},
			"application/json": map[string]any{"n": json.Number("12345678901234567890")},
		})
	}}, runner.Options{Run: settings()})
	data := out.notebook.Cells[0].Outputs[0].Data
	for mime, want := range map[string]string{
		"text/plain":       `"two\nlines"`,
		"text/html":        `"{\"not\":\"text\"}"`,
		"application/json": `{"n":12345678901234567890}`,
	} {
		if got := string(data[mime]); got != want {
			t.Errorf("%s: got %s, want %s", mime, got, want)
		}
	}
}

func TestTimingAndCounts(t *testing.T) {
	out := play(t, t.Context(), notebook("first", "second"), nil, runner.Options{Run: settings()})
	for i, c := range out.notebook.Cells {
		if c.ExecutionCount != i+1 {
			t.Errorf("cell %d: got the count %d", i, c.ExecutionCount)
		}
		timing, _ := nbformat.Get[map[string]string](c.Metadata, "execution")
		for _, key := range []string{"iopub.status.busy", "iopub.execute_input", "shell.execute_reply", "iopub.status.idle"} {
			if timing[key] == "" {
				t.Errorf("cell %d: no time of %s in %v", i, key, timing)
			}
		}
	}
}

func TestInputIsRefused(t *testing.T) {
	answers := make(chan string, 1)
	out := play(t, t.Context(), notebook("asks"), map[string]script{"asks": func(c *jupytertest.Cell, _ *process) {
		if c.AllowStdin {
			t.Error("the request allows stdin")
		}
		answer, _ := c.Ask("name?", false)
		answers <- answer
	}}, runner.Options{Run: settings()})
	if got := <-answers; out.end.State != quire.Succeeded || got != "\x04" {
		t.Errorf("got %q, %s", got, out.end.State)
	}
}

func TestBudget(t *testing.T) {
	endless := func(c *jupytertest.Cell, _ *process) {
		for range 100 {
			c.Stream("stdout", strings.Repeat("é", 50))
		}
		c.Display("", plain(strings.Repeat("x", 2000)))
	}
	cuts := func(out outcome) (cuts []quire.OutputCut) {
		for _, e := range out.events {
			if e.OutputCut != nil {
				cuts = append(cuts, *e.OutputCut)
			}
		}
		return cuts
	}
	t.Run("of a cell", func(t *testing.T) {
		s := settings()
		s.MaxCellOutput = 1001
		out := play(t, t.Context(), notebook("first", "second"), map[string]script{"first": endless, "second": func(c *jupytertest.Cell, _ *process) {
			c.Stream("stdout", "mine")
		}}, runner.Options{Run: s})
		if diff := cmp.Diff([]quire.OutputCut{{Cell: 0, Limit: "cell", Bytes: "1001"}}, cuts(out)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		outputs := out.notebook.Cells[0].Outputs
		if got := len(outputs[0].Text); got != 1000 {
			t.Errorf("got %d bytes, want 1000: whole characters up to the limit", got)
		}
		if last := outputs[len(outputs)-1]; last.Name != "stderr" || !strings.Contains(last.Text, "cut") {
			t.Errorf("no mark: %+v", last)
		}
		if got := shown(out.notebook.Cells[1]); !cmp.Equal(got, []string{"stdout: mine"}) {
			t.Errorf("got %v: another cell has its own limit", got)
		}
	})
	t.Run("of the notebook", func(t *testing.T) {
		s := settings()
		s.MaxOutput = 1500
		out := play(t, t.Context(), notebook("first", "second"), map[string]script{"first": endless, "second": endless}, runner.Options{Run: s})
		if diff := cmp.Diff([]quire.OutputCut{{Cell: 0, Limit: "notebook", Bytes: "1500"}, {Cell: 1, Limit: "notebook", Bytes: "1500"}}, cuts(out)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
