package runner_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/runner"
	"quire/jupyter"
	"quire/jupyter/jupytertest"
)

// untilInterrupted works on until somebody interrupts it.
func untilInterrupted(c *jupytertest.Cell, p *process) {
	select {
	case <-c.Interrupted():
		c.Raise("KeyboardInterrupt", "")
	case <-p.done:
	}
}

// deaf ignores every interrupt.
func deaf(_ *jupytertest.Cell, p *process) { <-p.done }

func TestEnds(t *testing.T) {
	raise := func(name, value string) script {
		return func(c *jupytertest.Cell, _ *process) { c.Raise(name, value) }
	}
	for _, tt := range []struct {
		name     string
		script   script // of the second of three cells
		run      func(*quire.RunSettings)
		state    quire.State
		failure  quire.FailureKind
		limit    string
		statuses []quire.CellStatus
	}{
		{name: "all well", state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok", "ok"}},
		{name: "raises", script: raise("ValueError", "no"), state: quire.Failed, failure: quire.CellFailed, statuses: []quire.CellStatus{"ok", "error"}},
		{name: "exits with 0", script: raise("SystemExit", "0"), state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok"}},
		{name: "exits with nothing", script: raise("SystemExit", "None"), state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok"}},
		{name: "exits with 3", script: raise("SystemExit", "3"), state: quire.Failed, failure: quire.CellFailed, statuses: []quire.CellStatus{"ok", "error"}},
		{name: "asks the kernel to exit", script: func(c *jupytertest.Cell, _ *process) {
			c.Reply(c.Request, "execute_reply", map[string]any{"status": "ok", "payload": []any{map[string]any{"source": "ask_exit"}}})
			c.NoReply()
		}, state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok"}},
		{name: "is aborted by the kernel", script: func(c *jupytertest.Cell, _ *process) { c.Abort() }, state: quire.Failed, failure: quire.CellFailed, statuses: []quire.CellStatus{"ok", "error"}},
		{name: "replies nonsense", script: func(c *jupytertest.Cell, _ *process) {
			c.Reply(c.Request, "execute_reply", []int{1})
			c.NoReply()
		}, state: quire.Failed, failure: quire.CellFailed, statuses: []quire.CellStatus{"ok", "error"}},
		{name: "dies", script: func(_ *jupytertest.Cell, p *process) { p.end(jupyter.Exit{Code: -1, Signal: syscall.SIGSEGV}) }, state: quire.Failed, failure: quire.KernelDied, statuses: []quire.CellStatus{"ok", "lost"}},
		{name: "exits by itself", script: func(_ *jupytertest.Cell, p *process) { p.end(jupyter.Exit{Code: 7}) }, state: quire.Failed, failure: quire.KernelDied, statuses: []quire.CellStatus{"ok", "lost"}},
		{name: "idle never comes", script: func(c *jupytertest.Cell, _ *process) { c.NoIdle() }, state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok", "ok"}},
		{name: "idle comes before the reply", script: func(c *jupytertest.Cell, _ *process) { c.GoIdle(); c.SendReply() }, state: quire.Succeeded, statuses: []quire.CellStatus{"ok", "ok", "ok"}},
		{name: "takes too long", script: untilInterrupted, run: func(s *quire.RunSettings) { s.CellTimeout = 50 * time.Millisecond }, state: quire.Aborted, failure: quire.Limited, limit: "cell_timeout", statuses: []quire.CellStatus{"ok", "interrupted"}},
		{name: "takes too long and is deaf", script: deaf, run: func(s *quire.RunSettings) { s.CellTimeout = 50 * time.Millisecond }, state: quire.Aborted, failure: quire.Limited, limit: "cell_timeout", statuses: []quire.CellStatus{"ok", "interrupted"}},
		{name: "never replies", script: func(c *jupytertest.Cell, _ *process) { c.NoReply() }, run: func(s *quire.RunSettings) { s.CellTimeout = 50 * time.Millisecond }, state: quire.Aborted, failure: quire.Limited, limit: "cell_timeout", statuses: []quire.CellStatus{"ok", "interrupted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			if tt.run != nil {
				tt.run(&s)
			}
			out := play(t, t.Context(), notebook("first", "second", "third"), map[string]script{"second": tt.script}, runner.Options{Run: s})
			if out.end.State != tt.state {
				t.Errorf("got the state %s, want %s", out.end.State, tt.state)
			}
			var failure quire.Failure
			if out.end.Failure != nil {
				failure = *out.end.Failure
			}
			if failure.Kind != tt.failure || failure.Limit != tt.limit {
				t.Errorf("got %+v, want %s %s", failure, tt.failure, tt.limit)
			}
			if failure.Kind != "" && (failure.Cell == nil || *failure.Cell != 1 || failure.CellID != out.notebook.Cells[1].ID) {
				t.Errorf("got %+v, want a failure in the second cell", failure)
			}
			if diff := cmp.Diff(tt.statuses, out.statuses()); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if len(tt.statuses) == 2 && (out.notebook.Cells[2].ExecutionCount != 0 || len(out.notebook.Cells[2].Outputs) != 0) {
				t.Errorf("the third cell did not run and is shown as if: %+v", out.notebook.Cells[2])
			}
		})
	}
}

func TestDeathNamesItsCause(t *testing.T) {
	for _, tt := range []struct {
		exit   jupyter.Exit
		signal string
		status int
	}{
		{jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}, "SIGKILL", 0},
		{jupyter.Exit{Code: 7}, "", 7},
	} {
		out := play(t, t.Context(), notebook("dies"), map[string]script{
			"dies": func(_ *jupytertest.Cell, p *process) { p.end(tt.exit) },
		}, runner.Options{Run: settings()})
		f := out.end.Failure
		if f == nil || f.Signal != tt.signal || (tt.signal == "") != (f.ExitStatus != nil) {
			t.Fatalf("got %+v, want signal %q, status %d", f, tt.signal, tt.status)
		}
		if f.ExitStatus != nil && *f.ExitStatus != tt.status {
			t.Errorf("got the status %d, want %d", *f.ExitStatus, tt.status)
		}
		outputs := out.notebook.Cells[0].Outputs
		if len(outputs) != 1 || outputs[0].ErrorName != "KernelDied" {
			t.Errorf("the notebook does not show the death: %+v", outputs)
		}
	}
}

func TestTolerance(t *testing.T) {
	raise := map[string]script{"second": func(c *jupytertest.Cell, _ *process) { c.Raise("ValueError", "expected") }}
	t.Run("by the cell's tag", func(t *testing.T) {
		nb := notebook("first", "second", "third")
		tag(nb.Cells[1], `["raises-exception"]`)
		out := play(t, t.Context(), nb, raise, runner.Options{Run: settings()})
		if want := []quire.CellStatus{"ok", "error", "ok"}; out.end.State != quire.Succeeded || !cmp.Equal(out.statuses(), want) {
			t.Errorf("got %s %v", out.end.State, out.statuses())
		}
	})
	t.Run("by the notebook's metadata", func(t *testing.T) {
		nb := notebook("first", "second", "third")
		nb.Metadata["allow_errors"] = []byte(`true`)
		out := play(t, t.Context(), nb, raise, runner.Options{Run: settings()})
		if out.end.State != quire.Succeeded || out.progress.CellsDone != 3 {
			t.Errorf("got %s, %d cells done", out.end.State, out.progress.CellsDone)
		}
	})
}

func TestCellsThatAreNotRun(t *testing.T) {
	nb := notebook("first", "second", "  \n", "# text", "raw")
	tag(nb.Cells[1], `["skip-execution"]`)
	nb.Cells[3].Type, nb.Cells[4].Type = "markdown", "raw"
	out := play(t, t.Context(), nb, nil, runner.Options{Run: settings()})
	executed := 0
	for _, r := range out.requests {
		if r.Header.MsgType == "execute_request" {
			executed++
		}
	}
	if executed != 1 || out.progress.CellsTotal != 1 || out.progress.CellsDone != 1 {
		t.Errorf("got %d requests, %d of %d cells done, want one", executed, out.progress.CellsDone, out.progress.CellsTotal)
	}
	if want := []quire.CellStatus{"ok", "skipped"}; !cmp.Equal(out.statuses(), want) {
		t.Errorf("got %v, want %v", out.statuses(), want)
	}
}

func TestCancel(t *testing.T) {
	for name, run := range map[string]script{"reacts": untilInterrupted, "deaf": deaf} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := quire.Failure{Kind: quire.Cancelled, Message: "enough"}
			out := play(t, ctx, notebook("first", "second"), map[string]script{"first": func(c *jupytertest.Cell, p *process) {
				c.Stream("stdout", "so far\n")
				cancel(&runner.Stop{Failure: why})
				run(c, p)
			}}, runner.Options{Run: settings(), OutputNames: []string{"x"}})
			if out.end.State != quire.Aborted || out.end.Failure.Message != "enough" {
				t.Errorf("got %+v", out.end)
			}
			if got := out.notebook.Cells[0].Outputs[0].Text; got != "so far\n" {
				t.Errorf("got %q, want the output until then", got)
			}
			if out.notebook.Cells[1].ExecutionCount != 0 {
				t.Error("the second cell is shown as run")
			}
		})
	}
	t.Run("before the first cell", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		k := jupytertest.Start(t, jupytertest.Cells(func(*jupytertest.Cell) {}))
		client, err := jupyter.Connect(ctx, k.Info(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		cancel(nil)
		end, err := runner.Run(ctx, runner.NewPlan(notebook("a"), "scripted", "", nil), client, newProcess(k),
			func(e quire.Event) error { t.Errorf("got the event %+v", e); return nil }, runner.Options{Run: settings()})
		if err != nil || end.State != quire.Aborted || end.Failure.Kind != quire.Cancelled {
			t.Errorf("got %+v, %v", end, err)
		}
	})
}
