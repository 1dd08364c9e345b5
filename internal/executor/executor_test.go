package executor_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/executor"
	"quire/internal/journal"
	"quire/internal/runner"
	"quire/internal/testenv"
	"quire/jupyter"
	"quire/nbformat"
)

// cell makes a code cell with tags.
func cell(source string, tags ...string) *nbformat.Cell {
	c := &nbformat.Cell{Type: nbformat.Code, Source: source, Metadata: nbformat.Object{}}
	if len(tags) > 0 {
		raw, err := json.Marshal(tags)
		if err != nil {
			panic(err)
		}
		c.Metadata["tags"] = raw
	}
	return c
}

// newJob puts a notebook of the cells into a folder of its own.
func newJob(t *testing.T, kernel string, cells ...*nbformat.Cell) quire.Job {
	t.Helper()
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}, Cells: cells}
	nb.Metadata["kernelspec"] = json.RawMessage(`{"name": "` + kernel + `", "display_name": "Kernel", "language": ""}`)
	nb.AssignIDs()
	prefix := filepath.Dir(filepath.Dir(testenv.Python(t)))
	job := quire.Job{
		ExecutionID: quire.ExecutionID(quire.NewID()), Attempt: 1, Dir: t.TempDir(), WorkDir: t.TempDir(), Notebook: "test.ipynb",
		KernelPath: jupyter.SearchPath(nil, prefix),
		Env:        []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
		Run:        quire.DefaultRunSettings(),
	}
	f, err := os.Create(job.InputPath())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := nbformat.Write(f, nb); err != nil {
		t.Fatal(err)
	}
	return job
}

// result is what a run has left behind.
type result struct {
	end      quire.Finished
	events   []quire.Event
	progress quire.Progress
	notebook *nbformat.Notebook
}

// run executes the job and calls watch, if that is not nil, with each event.
func run(t *testing.T, ctx context.Context, job quire.Job, watch func(quire.Event)) result {
	t.Helper()
	var r result
	end, err := executor.Run(ctx, job, &executor.Options{Observe: func(e quire.Event) {
		r.events = append(r.events, e)
		r.progress.Apply(e)
		if watch != nil {
			watch(e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.end = end
	data, err := os.ReadFile(job.NotebookPath())
	if err != nil {
		t.Fatal(err)
	}
	if r.notebook, err = nbformat.Parse(data); err != nil {
		t.Fatal(err)
	}
	return r
}

// text joins what a cell printed.
func text(c *nbformat.Cell) string {
	var b strings.Builder
	for _, o := range c.Outputs {
		b.WriteString(o.Text)
	}
	return b.String()
}

func TestRunOK(t *testing.T) {
	job := newJob(t, "python3", cell("print('hello')"), cell("1 + 1"))
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v, want SUCCEEDED", r.end)
	}
	if got := text(r.notebook.Cells[0]); got != "hello\n" {
		t.Errorf("got %q", got)
	}
	if got := string(r.notebook.Cells[1].Outputs[0].Data["text/plain"]); got != `"2"` {
		t.Errorf("got %s", got)
	}
}

func TestRunFails(t *testing.T) {
	job := newJob(t, "python3", cell("a = 1"), cell("1 / 0"), cell("print('never')"))
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Failed || r.end.Failure.Kind != quire.CellFailed || r.end.Failure.ErrorName != "ZeroDivisionError" || *r.end.Failure.Cell != 1 {
		t.Errorf("got %+v", r.end.Failure)
	}
	if c := r.notebook.Cells[2]; len(c.Outputs) != 0 || c.ExecutionCount != 0 {
		t.Errorf("the last cell is shown as run: %+v", c)
	}
}

// The usage comes once the kernel is there, while a cell runs, and before the
// end, and is that of the kernel's children too.
func TestUsageIsTold(t *testing.T) {
	job := newJob(t, "python3", cell(`
import os, subprocess, sys
held = b"x" * (200 << 20)
loop = "import os, sys\nwhile not os.path.exists('enough'): pass"
subprocess.run([sys.executable, "-c", loop], check=True)`))
	seen := 0
	r := run(t, t.Context(), job, func(e quire.Event) {
		if e.Usage == nil {
			return
		}
		if seen++; seen == 4 {
			if err := os.WriteFile(filepath.Join(job.WorkDir, "enough"), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v, want SUCCEEDED", r.end)
	}
	var most int64
	var first, last *quire.Usage
	for i, e := range r.events {
		switch {
		case e.Usage == nil:
			continue
		case first == nil:
			first = e.Usage
			if r.events[i-1].KernelReady == nil {
				t.Errorf("the first follows %+v", r.events[i-1])
			}
		case e.Usage.CPUSeconds < last.CPUSeconds:
			t.Errorf("the time goes from %v to %v", last.CPUSeconds, e.Usage.CPUSeconds)
		}
		last, most = e.Usage, max(most, e.Usage.MemoryBytes)
	}
	if before := r.events[len(r.events)-2]; before.Usage != last || last == first {
		t.Errorf("the end follows %+v", before)
	}
	if most < 200<<20 || last.CPUSeconds <= first.CPUSeconds {
		t.Errorf("got %+v, then %+v, at most %d bytes", first, last, most)
	}
	r2, err := journal.OpenFile(job.JournalPath(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r2.Close()
	for _, want := range r.events {
		if got, err := r2.Next(); err != nil || got.Seq != want.Seq || !got.Time.Equal(want.Time) || !cmp.Equal(got.Usage, want.Usage) {
			t.Fatalf("the journal holds %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestCancelIgnoringSignals(t *testing.T) {
	job := newJob(t, "python3", cell(`
import time
begun = False
while True:
    try:
        if not begun:
            begun = True
            print("in", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("ignored", flush=True)`))
	ctx, cancel := context.WithCancelCause(t.Context())
	var asked time.Time
	r := run(t, ctx, job, func(e quire.Event) {
		if e.Stream != nil && asked.IsZero() {
			asked = time.Now()
			cancel(&runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "cancelled"}})
		}
	})
	if r.end.State != quire.Aborted || r.end.Failure.Kind != quire.Cancelled {
		t.Errorf("got %+v", r.end)
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if got := text(r.notebook.Cells[0]); got != "in\nignored\n" {
		t.Errorf("got %q", got)
	}
}
