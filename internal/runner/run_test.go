package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"quire"
	"quire/internal/journal"
	"quire/internal/runner"
	"quire/jupyter"
	"quire/jupyter/jupytertest"
	"quire/nbformat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is the process of a scripted kernel.
type process struct {
	kernel *jupytertest.Kernel
	exit   jupyter.Exit
	once   sync.Once
	done   chan struct{}
}

func newProcess(k *jupytertest.Kernel) *process {
	return &process{kernel: k, done: make(chan struct{}), exit: jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}}
}

func (p *process) Interrupt() error      { p.kernel.Interrupt(); return nil }
func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Exit() jupyter.Exit    { return p.exit }
func (p *process) Kill()                 { p.end(p.exit) }

// end makes the process die with the given exit, connections and all.
func (p *process) end(exit jupyter.Exit) {
	p.once.Do(func() {
		p.exit = exit
		close(p.done)
		p.kernel.Drop()
	})
}

// script runs in place of a cell.
type script func(c *jupytertest.Cell, p *process)

// outcome is what a scripted run has come to.
type outcome struct {
	end      quire.Finished
	notebook *nbformat.Notebook
	progress quire.Progress
	events   []quire.Event
	requests []*jupyter.Message
}

// settings are short enough for a test that runs into them.
func settings() quire.RunSettings {
	s := quire.DefaultRunSettings()
	s.InterruptGrace, s.IOPubTimeout = 100*time.Millisecond, 100*time.Millisecond
	return s
}

// play runs the notebook on a kernel that follows one script for each cell
// whose source is the script's name.
func play(t *testing.T, ctx context.Context, nb *nbformat.Notebook, scripts map[string]script, opts runner.Options) outcome {
	t.Helper()
	var p *process
	started := make(chan struct{})
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) { //nolint:contextcheck // the kernel lives as long as the test
		<-started
		if run := scripts[c.Code]; run != nil {
			run(c, p)
		}
	}))
	p = newProcess(k)
	close(started)
	client, err := jupyter.Connect(ctx, k.Info(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	plan := runner.NewPlan(nb, "scripted", "", nil)
	out := outcome{}
	reduced := journal.NewNotebook(nb)
	emit := func(e quire.Event) error {
		e.Seq = int32(len(out.events) + 1)
		out.events = append(out.events, e)
		return reduced.Apply(e)
	}
	if err := emit(quire.Event{Started: &quire.Started{Attempt: 1, Cells: plan.Cells}}); err != nil {
		t.Fatal(err)
	}
	out.end, err = runner.Run(ctx, plan, client, p, emit, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := emit(quire.Event{Finished: &out.end}); err != nil {
		t.Fatal(err)
	}
	out.notebook, out.progress, out.requests = reduced.Snapshot(), reduced.Progress(), k.Requests()
	if err := out.notebook.Validate(); err != nil {
		t.Errorf("the notebook is not valid: %v", err)
	}
	return out
}

// notebook has a code cell for each source.
func notebook(sources ...string) *nbformat.Notebook {
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}}
	for _, s := range sources {
		nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Code, Source: s, Metadata: nbformat.Object{}})
	}
	nb.AssignIDs()
	return nb
}

func tag(c *nbformat.Cell, tags string) { c.Metadata["tags"] = json.RawMessage(tags) }

// statuses lists how the cells ended, in the order of their ends.
func (o outcome) statuses() []quire.CellStatus {
	var all []quire.CellStatus
	for _, e := range o.events {
		if e.CellFinished != nil {
			all = append(all, e.CellFinished.Status)
		}
	}
	return all
}

func TestEmitFails(t *testing.T) {
	k := jupytertest.Start(t, jupytertest.Cells(func(*jupytertest.Cell) {}))
	client, err := jupyter.Connect(t.Context(), k.Info(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	full := errors.New("no space left")
	_, err = runner.Run(t.Context(), runner.NewPlan(notebook("a"), "scripted", "", nil), client, newProcess(k),
		func(quire.Event) error { return full }, runner.Options{Run: settings()})
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
