package nbformat

import (
	"maps"
	"slices"
)

// Clone returns a copy that can be changed independently: fields, metadata,
// outputs. The JSON values in objects are shared: replace them, never write
// into their bytes.
func (nb *Notebook) Clone() *Notebook {
	c := *nb
	c.Metadata = maps.Clone(nb.Metadata)
	c.Extra = maps.Clone(nb.Extra)
	c.Cells = make([]*Cell, len(nb.Cells))
	for i, cell := range nb.Cells {
		c.Cells[i] = cell.Clone()
	}
	return &c
}

// Clone returns a copy as Notebook.Clone does.
func (c *Cell) Clone() *Cell {
	copied := *c
	copied.Metadata = maps.Clone(c.Metadata)
	copied.Extra = maps.Clone(c.Extra)
	copied.Outputs = slices.Clone(c.Outputs)
	for i, o := range copied.Outputs {
		copied.Outputs[i] = o.Clone()
	}
	return &copied
}

// Clone returns a copy as Notebook.Clone does.
func (o Output) Clone() Output {
	o.Data = maps.Clone(o.Data)
	o.Metadata = maps.Clone(o.Metadata)
	o.Extra = maps.Clone(o.Extra)
	o.Traceback = slices.Clone(o.Traceback)
	return o
}
