package journal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"quire"
	"quire/internal/executor"
	"quire/internal/journal"
	"quire/internal/runner"
	"quire/internal/testenv"
	"quire/jupyter"
	"quire/nbformat"
)

var update = flag.Bool("update", false, "record the journals in testdata anew, with a real kernel")

// recorded is where NAME.ipynb, as it was submitted, and NAME.journal lie.
const recorded = "testdata/recorded"

// recording is an execution whose journal is kept.
type recording struct {
	cells   []*nbformat.Cell
	inputs  map[string]any
	outputs []string
	set     func(*quire.RunSettings)
	stopAt  string // the text on stdout at which it is cancelled
	loseAt  string // the text on stdout at which its first executor is killed
	ends    quire.State
}

const (
	chattering = `import sys, time
for i in range(3):
    print("\rstep", i, end="", flush=True)
    time.sleep(0.05)
print()
print("a warning", file=sys.stderr)`
	displaying = `from IPython.display import display, clear_output, HTML
shown = display("waiting", display_id=True)
display(HTML("<b>bold</b>"))
shown.update("there")
print("to be cleared")
clear_output(wait=True)
display(HTML("<i>instead</i>"))
n + 1`
	drawing = `%matplotlib inline
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1), dpi=20).add_axes([0, 0, 1, 1]).plot([1, 3, 2]);`
	sliding = `import ipywidgets
slider, out = ipywidgets.IntSlider(value=1), ipywidgets.Output()
display(slider, out)
with out:
    print("in the widget")
slider.value = 2
slider.close()`
	dying = `import os, signal
print("still here", flush=True)
os.kill(os.getpid(), signal.SIGKILL)`
	hanging = `import time
print("waiting", flush=True)
time.sleep(600)`
	working = `import time
held = b"x" * (50 << 20)
while time.process_time() < 2: pass
time.sleep(1)`
	again = `import pathlib, time
mark = pathlib.Path("mark")
if not mark.exists():
    mark.touch()
    print("for the first time", flush=True)
    time.sleep(600)
print("once more")`
)

func recordings() map[string]recording {
	return map[string]recording{
		"succeeds": {
			cells: []*nbformat.Cell{
				{Type: nbformat.Markdown, Source: "# All that a notebook shows", Metadata: nbformat.Object{}},
				code("n = 1", "parameters"), code(chattering), code(displaying), code(drawing), code(sliding),
				code("never", "skip-execution"), code("1 / 0", "raises-exception"), code("answer = n"),
			},
			inputs:  map[string]any{"n": json.Number("41")},
			outputs: []string{"answer", "absent"},
			ends:    quire.Succeeded,
		},
		"raises": {
			cells: []*nbformat.Cell{code("print('before')"), code("def f(x):\n    return 1 / x\nf(0)"), code("print('never')")},
			ends:  quire.Failed,
		},
		"kernel-dies":  {cells: []*nbformat.Cell{code("1 + 1"), code(dying), code("print('never')")}, ends: quire.Failed},
		"is-cancelled": {cells: []*nbformat.Cell{code("1 + 1"), code(hanging), code("print('never')")}, stopAt: "waiting\n", ends: quire.Aborted},
		"is-measured":  {cells: []*nbformat.Cell{code("1 + 1"), code(working), code("del held")}, ends: quire.Succeeded},
		"is-tried-again": {
			cells:  []*nbformat.Cell{code("print('hello')"), code(again), code("print('bye')")},
			loseAt: "for the first time\n", ends: quire.Succeeded,
		},
		"is-stopped-by-a-limit": {
			cells: []*nbformat.Cell{code("for i in range(200): print(i)"), code(hanging), code("print('never')")},
			set:   func(s *quire.RunSettings) { s.MaxCellOutput, s.CellTimeout = 256, time.Second },
			ends:  quire.Aborted,
		},
	}
}

func code(source string, tags ...string) *nbformat.Cell {
	c := &nbformat.Cell{Type: nbformat.Code, Source: source, Metadata: nbformat.Object{}}
	if len(tags) > 0 {
		_ = c.Metadata.Set("tags", tags) // strings are JSON
	}
	return c
}

// newRecording runs the execution and keeps its notebook and journal under name.
func (r recording) newRecording(t *testing.T, name string) {
	t.Helper()
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}, Cells: r.cells}
	nb.AssignIDs()
	prefix := filepath.Dir(filepath.Dir(testenv.Python(t)))
	job := quire.Job{
		Attempt: 1, Dir: t.TempDir(), WorkDir: t.TempDir(), Notebook: name + ".ipynb", Kernel: "python3",
		KernelPath: jupyter.SearchPath(nil, prefix),
		Env:        []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
		Inputs:     r.inputs, OutputNames: r.outputs, Run: quire.DefaultRunSettings(),
	}
	if r.set != nil {
		r.set(&job.Run)
	}
	input := write(t, nb)
	if err := os.WriteFile(job.InputPath(), []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.loseAt != "" {
		loseExecutor(t, job, r.loseAt)
		job.Attempt++
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	end, err := executor.Run(ctx, job, &executor.Options{Observe: func(e quire.Event) {
		if e.Stream != nil && e.Stream.Text == r.stopAt {
			cancel(&runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "cancelled"}})
		}
	}})
	if err != nil || end.State != r.ends {
		t.Fatalf("recorded %+v, %v, want %s", end, err, r.ends)
	}
	data, err := os.ReadFile(job.JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{name + ".ipynb": []byte(input), name + ".journal": data} {
		if err := os.WriteFile(filepath.Join(recorded, file), text, 0o644); err != nil { //nolint:gosec // for all to read
			t.Fatal(err)
		}
	}
}

// executorJob names the variable that makes the test binary execute a job, as
// an executor's process does, until it is killed.
const executorJob = "QUIRE_JOURNAL_EXECUTOR_JOB"

// executeUntilKilled tells on stdout how long the journal is.
func executeUntilKilled(path string) int {
	var job quire.Job
	data, err := os.ReadFile(path)
	if err == nil {
		err = job.Decode(data)
	}
	if err == nil {
		_, err = executor.Run(context.Background(), job, &executor.Options{Durable: func(size int64) {
			_, _ = fmt.Fprintln(os.Stdout, size) // to a pipe that is read to its end
		}})
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// loseExecutor kills the job's executor once the text is durable, and ends the
// attempt as the server does.
func loseExecutor(t *testing.T, job quire.Job, text string) {
	t.Helper()
	data, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(job.JobPath(), data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), executorJob+"="+job.JobPath())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var size int64
		if _, err := fmt.Sscan(lines.Text(), &size); err != nil {
			t.Fatal(err)
		}
		if tells(t, job.JournalPath(), size, text) {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the executor ended by itself")
	}
	w := openWriter(t, job.JournalPath(), nil)
	appendAll(t, w, quire.Event{Finished: &quire.Finished{
		State:   quire.Failed,
		Failure: &quire.Failure{Kind: quire.QuireFault, Message: "the executor ended without finishing the notebook"},
		Retry:   true,
	}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// tells reports whether the text was printed in the journal's first size bytes.
func tells(t *testing.T, path string, size int64, text string) bool {
	t.Helper()
	r, err := journal.OpenFile(path, size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Stream != nil && e.Stream.Text == text {
			return true
		}
	}
}
