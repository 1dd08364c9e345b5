package runner

import (
	"strings"

	"quire"
	"quire/nbformat"
)

// Plan is what a run executes: the notebook with its injected parameters cell,
// and the code cells of it in order.
type Plan struct {
	// Injected is the parameters cell that was put into the notebook, if any.
	Injected *quire.InjectedCell
	// Cells is the number of code cells that will be executed.
	Cells int32

	language string
	cells    []planCell
}

type planCell struct {
	index    int32
	id       string
	source   string
	skip     bool // tagged skip-execution
	tolerant bool // may raise without ending the run
}

// NewPlan plans a run of nb in the kernel's language, with the inputs assigned
// after its parameters cell. If only is not empty, just the cell of that id is
// run, and nothing is injected.
func NewPlan(nb *nbformat.Notebook, language, only string, inputs map[string]any) *Plan {
	p := &Plan{language: strings.ToLower(language)}
	cells := nb.Cells
	if only == "" {
		cells, p.Injected = injectParameters(nb, p.language, inputs)
	}
	tolerant := nb.AllowErrors()
	for i, c := range cells {
		if c.Type != nbformat.Code || strings.TrimSpace(c.Source) == "" || (only != "" && c.ID != only) {
			continue
		}
		cell := planCell{
			index: int32(i), id: c.ID, source: c.Source, //nolint:gosec // a notebook has far fewer cells
			skip:     c.HasTag("skip-execution"),
			tolerant: tolerant || c.HasTag("raises-exception"),
		}
		if !cell.skip {
			p.Cells++
		}
		p.cells = append(p.cells, cell)
	}
	return p
}
