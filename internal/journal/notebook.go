package journal

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"quire"
	"quire/nbformat"
)

// Notebook is the reducer from an execution's events to the executed notebook.
// It is pure: the same input and events give the same notebook. Each event
// costs time in proportion to its own size. It is not safe for concurrent use.
type Notebook struct {
	input    *nbformat.Notebook
	cells    []*cell
	language nbformat.Object // of the kernel that ran; nil before it answered
	kernel   string          // kernelspec name; empty before it was started
	displays displays
	widgets  widgets
	progress quire.Progress
}

// NewNotebook returns the notebook of an execution that has not begun: no cell
// has run, and what an earlier run left in the code cells is gone, save in
// cells tagged skip-execution. The input must be valid. NewNotebook keeps it
// and never changes it; the caller must not either.
func NewNotebook(input *nbformat.Notebook) *Notebook {
	n := &Notebook{input: input, progress: quire.Progress{State: quire.Queued}}
	n.reset(input.Cells)
	return n
}

// Progress returns how far the execution is, by the events applied.
func (n *Notebook) Progress() quire.Progress { return n.progress }

// Reduce applies every event of r to input. Events that make no sense are
// passed over; the error is the Reader's, and with it come the notebook and
// the progress up to there.
func Reduce(input *nbformat.Notebook, r *Reader) (*Notebook, quire.Progress, error) {
	n := NewNotebook(input)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n, n.progress, nil
		}
		if err != nil {
			return n, n.progress, err
		}
		_ = n.Apply(e) // whoever can write a journal decides what is in it
	}
}

// reset puts every cell into the state before an attempt.
func (n *Notebook) reset(cells []*nbformat.Cell) {
	n.cells = make([]*cell, len(cells))
	for i, c := range cells {
		n.cells[i] = newCell(c)
	}
	n.language, n.kernel = nil, ""
	n.displays, n.widgets = displays{}, widgets{}
}

// Apply brings the notebook up to date with the next event. An error means
// that the event makes no sense for this notebook and was passed over, or that
// the part of it that does was applied; the notebook is valid all the same.
func (n *Notebook) Apply(e quire.Event) error {
	n.progress.Apply(e)
	if err := n.apply(e); err != nil {
		return fmt.Errorf("apply event %d: %w", e.Seq, err)
	}
	return nil
}

func (n *Notebook) apply(e quire.Event) error {
	switch {
	case e.Started != nil:
		return n.started(e.Started)
	case e.KernelStarting != nil:
		n.kernel = e.KernelStarting.Kernel
	case e.KernelReady != nil:
		return n.kernelReady(e.KernelReady)
	case e.CellStarted != nil:
		return n.cellStarted(e.CellStarted)
	case e.Stream != nil:
		return n.stream(e.Stream)
	case e.Output != nil:
		return n.output(e.Output)
	case e.DisplayUpdated != nil:
		return n.displays.update(e.DisplayUpdated)
	case e.OutputCleared != nil:
		return n.outputCleared(e.OutputCleared)
	case e.OutputCut != nil:
		return n.outputCut(e.OutputCut)
	case e.WidgetUpdated != nil:
		return n.widgetUpdated(e.WidgetUpdated)
	case e.CellFinished != nil:
		return n.cellFinished(e.CellFinished)
	case e.EnvironmentProgress != nil, e.OutputVariables != nil, e.Usage != nil, e.Finished != nil:
	default:
		return errors.New("the event is of no known kind")
	}
	return nil
}

func (n *Notebook) started(e *quire.Started) error {
	cells, err := ExecutedCells(n.input, e.Injected)
	n.reset(cells)
	return err
}

// Snapshot returns the notebook as it is now, valid at every moment. Events
// that are applied later do not change it. It costs time in proportion to the
// notebook's size.
func (n *Notebook) Snapshot() *nbformat.Notebook {
	nb := &nbformat.Notebook{
		Major:    n.input.Major,
		Minor:    n.input.Minor,
		Metadata: n.metadata(),
		Cells:    make([]*nbformat.Cell, len(n.cells)),
		Extra:    maps.Clone(n.input.Extra),
	}
	for i, c := range n.cells {
		nb.Cells[i] = c.snapshot()
	}
	return nb
}
