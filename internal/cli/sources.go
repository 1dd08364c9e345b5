package cli

import (
	"quire"
	"quire/nbformat"
)

// sources knows the text of the executed notebook's cells.
type sources interface {
	source(cell int32) string // empty where it is not known
}

// localSources takes it from the notebook that is run, and the cell that is
// injected into it.
type localSources struct {
	notebook *nbformat.Notebook
	injected *quire.InjectedCell
}

func (s *localSources) observe(e quire.Event) {
	if e.Started != nil {
		s.injected = e.Started.Injected
	}
}

func (s *localSources) source(cell int32) string {
	if in := s.injected; in != nil {
		switch {
		case cell == in.Index:
			return in.Source
		case cell > in.Index:
			cell--
		}
	}
	return sourceAt(s.notebook, cell)
}

func sourceAt(nb *nbformat.Notebook, cell int32) string {
	if cell < 0 || int(cell) >= len(nb.Cells) {
		return ""
	}
	return nb.Cells[cell].Source
}
