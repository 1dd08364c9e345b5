package journal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"quire"
	"quire/nbformat"
)

// cell is one cell of the executed notebook.
type cell struct {
	input   *nbformat.Cell
	keep    bool // shown as the input has it: not code, or tagged skip-execution
	started bool
	outputs outputs
	count   int
	timing  json.RawMessage // for metadata.execution; nil before the end
}

func newCell(c *nbformat.Cell) *cell {
	return &cell{input: c, keep: c.Type != nbformat.Code || c.HasTag(skipTag)}
}

func (c *cell) snapshot() *nbformat.Cell {
	if c.keep {
		return c.input.Clone()
	}
	s := *c.input
	s.Metadata, s.Extra = maps.Clone(s.Metadata), maps.Clone(s.Extra)
	if s.Metadata == nil {
		s.Metadata = nbformat.Object{}
	}
	delete(s.Metadata, "execution")
	if c.timing != nil {
		s.Metadata["execution"] = c.timing
	}
	s.Outputs, s.ExecutionCount = c.outputs.snapshot(), c.count
	return &s
}

// cell returns the code cell at index i.
func (n *Notebook) cell(i int32) (*cell, error) {
	if i < 0 || int(i) >= len(n.cells) {
		return nil, fmt.Errorf("cell %d in a notebook of %d cells", i, len(n.cells))
	}
	c := n.cells[i]
	if c.input.Type != nbformat.Code {
		return nil, fmt.Errorf("cell %d is no code cell", i)
	}
	return c, nil
}

// running returns the cell at index i, which must have started.
func (n *Notebook) running(i int32) (*cell, error) {
	c, err := n.cell(i)
	if err == nil && !c.started {
		return nil, fmt.Errorf("cell %d has not started", i)
	}
	return c, err
}

func (n *Notebook) cellStarted(e *quire.CellStarted) error {
	c, err := n.cell(e.Cell)
	if err != nil {
		return err
	}
	c.outputs.clear(n.displays)
	*c = cell{input: c.input, started: true}
	return nil
}

func (n *Notebook) cellFinished(e *quire.CellFinished) error {
	if e.Status == quire.CellSkipped {
		_, err := n.cell(e.Cell)
		return err
	}
	c, err := n.running(e.Cell)
	if err != nil {
		return err
	}
	c.outputs.clearNext = false
	c.counted(int(e.ExecutionCount))
	if len(e.Timing) > 0 {
		if c.timing, err = json.Marshal(e.Timing); err != nil {
			return err
		}
	}
	name := ""
	switch e.Status {
	case quire.CellOK:
		return nil
	case quire.CellError:
		name = "Error"
	case quire.CellInterrupted:
		name = "Interrupted"
	case quire.CellLost:
		name = "KernelDied"
	case quire.CellSkipped:
	default:
		return fmt.Errorf("cell %d finished as %q", e.Cell, e.Status)
	}
	if !c.outputs.hasError() {
		c.outputs.add(&output{Output: nbformat.Output{
			Type:       nbformat.ErrorOutput,
			ErrorName:  cmp.Or(e.ErrorName, name),
			ErrorValue: e.ErrorValue,
			Traceback:  slices.Clone(e.Traceback),
		}})
	}
	return nil
}

// counted takes over the kernel's count, if it is one.
func (c *cell) counted(count int) {
	if count > 0 {
		c.count = count
	}
}
