package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"quire"
	"quire/nbformat"
)

// defaultKernel runs a notebook that names no kernel.
const defaultKernel = "python3"

// errField is the request's name for what the client gave as the target.
func errField(t quire.Target) string {
	if t.ByCell {
		return "cell_id"
	}
	return "notebook_id"
}

// parseTarget reads what the client gave: a notebook's path, or path#cell.
func parseTarget(given string, byCell bool) (quire.Target, error) {
	t := quire.Target{Notebook: given, Given: given, ByCell: byCell}
	if given == "" {
		return t, quire.Invalid(errField(t), "is empty; it must name a notebook of the project")
	}
	if byCell {
		// The last #: a cell's id has none, a file's name may.
		i := strings.LastIndexByte(given, '#')
		if i <= 0 || i == len(given)-1 {
			return t, quire.Invalid("cell_id", "%q names no cell; it must be a notebook's path, #, and the id of one of its cells", given)
		}
		t.Notebook, t.Cell = given[:i], given[i+1:]
	}
	t.Notebook = inProject(t.Notebook)
	return t, nil
}

// submission is what is kept of a notebook when it is submitted.
type submission struct {
	notebook []byte
	declared *quire.EnvironmentDeclaration // nil: it runs in the server's own environment
}

// readTarget reads the notebook and what is declared of its environment, and
// fills in the canonical form of its path, after it has made sure that there
// is something to run in it and a kernel to run it.
func (s *Service) readTarget(ctx context.Context, project quire.ProjectID, t *quire.Target) (submission, error) {
	field := errField(*t)
	nb, data, path, err := s.readNotebook(ctx, project, t.Notebook, field)
	if err != nil {
		return submission{}, err
	}
	t.Notebook = path
	if err := checkCells(nb, *t); err != nil {
		return submission{}, err
	}
	declared, err := s.declared(ctx, project, path, nb)
	if err != nil {
		return submission{}, err
	}
	return submission{data, declared}, s.checkKernel(field, nb, declared)
}

// readNotebook returns a notebook of a project, its bytes and the canonical
// form of its path. Field is the request's name for that.
func (s *Service) readNotebook(ctx context.Context, project quire.ProjectID, path, field string) (*nbformat.Notebook, []byte, string, error) {
	f, file, err := s.files.Open(ctx, project, path)
	if err != nil {
		return nil, nil, "", notebookError(field, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, nbformat.MaxBytes+1)) // one more for Parse to refuse
	if err != nil {
		return nil, nil, "", fmt.Errorf("read notebook: %w", err)
	}
	nb, err := nbformat.Parse(data)
	if err != nil {
		return nil, nil, "", quire.Invalid(field, "%q is not a notebook that can be run: %v", file.Path, err)
	}
	return nb, data, file.Path, nil
}

// checkKernel makes sure that there is a kernel to run the notebook. An
// environment that is declared brings its own.
func (s *Service) checkKernel(field string, nb *nbformat.Notebook, declared *quire.EnvironmentDeclaration) error {
	if declared != nil {
		return nil
	}
	if err := s.kernels.Check(cmp.Or(nb.KernelName(), defaultKernel)); err != nil {
		return atField(field, err)
	}
	return nil
}

// checkCells makes sure that there is a code cell, and the one that was asked for.
func checkCells(nb *nbformat.Notebook, t quire.Target) error {
	if nb.CodeCells() == 0 {
		return quire.Invalid(errField(t), "%q has no code cells: there is nothing to run", t.Notebook)
	}
	if t.Cell == "" {
		return nil
	}
	i, ok := nb.CellByID(t.Cell)
	if !ok {
		return quire.Invalid(errField(t), "%q has no cell with the id %q", t.Notebook, t.Cell)
	}
	if kind := nb.Cells[i].Type; kind != nbformat.Code {
		return quire.Invalid(errField(t), "cell %q of %q is a %s cell; only a code cell can be run", t.Cell, t.Notebook, kind)
	}
	return nil
}

// notebookError puts an error about a path into the words of the request. What
// is there and is no file is no notebook either.
func notebookError(field string, err error) error {
	e, ok := errors.AsType[*quire.Error](err)
	if !ok || e.Field != "path" {
		return err
	}
	about := *e
	about.Field = field
	if about.Code == quire.FailedPrecondition {
		about.Code = quire.InvalidArgument
	}
	return &about
}
