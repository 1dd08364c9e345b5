package journal

import (
	"fmt"
	"strconv"

	"quire"
	"quire/nbformat"
)

// place returns where output of a cell goes: into an Output widget if one of
// that id is there, else into the cell, so that nothing is lost.
func (n *Notebook) place(index int32, widgetID string) (*cell, *outputs, error) {
	c, err := n.running(index)
	if err != nil {
		return nil, nil, err
	}
	if w, ok := n.widgets[widgetID]; ok && w.captures {
		w.newer = true
		return c, &w.outputs, nil
	}
	return c, &c.outputs, nil
}

func (n *Notebook) stream(e *quire.Stream) error {
	_, outs, err := n.place(e.Cell, e.WidgetID)
	if err != nil {
		return err
	}
	outs.prepare(n.displays)
	outs.write(e.Name, e.Text)
	return nil
}

func (n *Notebook) output(e *quire.Output) error {
	c, outs, err := n.place(e.Cell, e.WidgetID)
	if err != nil {
		return err
	}
	out, err := parseOutput(e.Output)
	if err != nil {
		return err
	}
	outs.prepare(n.displays)
	outs.put(out, e.DisplayID, n.displays)
	c.counted(out.ExecutionCount)
	return nil
}

// put adds an output as parseOutput made it.
func (o *outputs) put(out nbformat.Output, displayID string, d displays) {
	switch out.Type {
	case nbformat.StreamOutput:
		o.write(out.Name, out.Text)
	case nbformat.DisplayData, nbformat.ExecuteResult:
		shown := d.show(displayID, out.Data, out.Metadata)
		out.Data, out.Metadata = nil, nil
		o.add(&output{Output: out, display: shown})
	case nbformat.ErrorOutput:
		o.add(&output{Output: out})
	}
}

func (n *Notebook) outputCleared(e *quire.OutputCleared) error {
	_, outs, err := n.place(e.Cell, e.WidgetID)
	if err != nil {
		return err
	}
	if e.Wait {
		outs.clearNext = true
	} else {
		outs.clear(n.displays)
	}
	return nil
}

// outputCut adds the marker as an output of its own. It is Quire's, not the
// kernel's, so a clear that waits for the next output keeps waiting.
func (n *Notebook) outputCut(e *quire.OutputCut) error {
	c, err := n.running(e.Cell)
	if err != nil {
		return err
	}
	of := "one cell"
	if e.Limit == "notebook" {
		of = "the notebook"
	}
	marker := &output{
		Output:   nbformat.Output{Type: nbformat.StreamOutput, Name: "stderr"},
		terminal: &terminal{},
	}
	marker.terminal.write(fmt.Sprintf("[quire: output cut here, the limit %sfor %s is reached]\n", amount(e.Bytes), of))
	c.outputs.add(marker)
	return nil
}

// amount returns a decimal number of bytes as "of 64 MiB ", or nothing if it is none.
func amount(bytes string) string {
	n, err := strconv.ParseInt(bytes, 10, 64)
	switch {
	case err != nil || n <= 0:
		return ""
	case n%(1<<20) == 0:
		return fmt.Sprintf("of %d MiB ", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("of %d KiB ", n>>10)
	}
	return fmt.Sprintf("of %d bytes ", n)
}
