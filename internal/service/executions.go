package service

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// Execution returns an execution as it is at this moment.
func (s *Service) Execution(ctx context.Context, id quire.ExecutionID) (quire.Execution, error) {
	e, err := s.store.Execution(ctx, id)
	if err != nil {
		return quire.Execution{}, err
	}
	return s.fresh(ctx, e)
}

// fresh returns e, which the store gave, with what has happened since.
func (s *Service) fresh(ctx context.Context, e quire.Execution) (quire.Execution, error) {
	if e.State.Ended() {
		return e, nil
	}
	if p, ok := s.dispatcher.Live(e.ID); ok {
		e.Progress = p
		return e, nil
	}
	if e.State == quire.Queued {
		return e, nil
	}
	// It has ended since the store was asked: without a second look a client
	// would see it fall back to the progress that was last saved.
	return s.store.Execution(ctx, e.ID)
}

// Executions returns a page of a project's executions, newest first, and the
// token of the next one, empty at the end.
func (s *Service) Executions(ctx context.Context, f quire.ExecutionFilter) ([]quire.Execution, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if _, err := s.store.Project(ctx, f.ProjectID); err != nil {
		return nil, "", atField("project_id", err)
	}
	list, next, err := s.store.Executions(ctx, f)
	if err != nil {
		return nil, "", err
	}
	for i, e := range list {
		now, err := s.fresh(ctx, e)
		if quire.CodeOf(err) == quire.NotFound {
			continue // deleted while we look: the list is from before
		}
		if err != nil {
			return nil, "", err
		}
		if f.State == "" || now.State == f.State {
			list[i] = now
		}
	}
	return list, next, nil
}

// Notebook returns the executed notebook as far as it has come: before the
// first cell it is the one that was submitted, without its outputs. The caller
// closes it.
func (s *Service) Notebook(ctx context.Context, id quire.ExecutionID) (io.ReadCloser, error) {
	e, err := s.store.Execution(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.State.Ended() {
		f, err := s.archive.OpenNotebook(ctx, id)
		if err == nil || quire.CodeOf(err) != quire.NotFound {
			return f, err
		}
	}
	nb, err := s.render(ctx, id)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := nbformat.Write(&b, nb); err != nil {
		return nil, fmt.Errorf("write notebook: %w", err)
	}
	return io.NopCloser(&b), nil
}

// render makes the notebook of what the journal holds by now.
func (s *Service) render(ctx context.Context, id quire.ExecutionID) (*nbformat.Notebook, error) {
	data, err := s.archive.Input(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the submitted notebook: %w", err)
	}
	input, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the submitted notebook: %w", err)
	}
	now, err := s.told(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := openJournal(s.archive.JournalPath(id), now.durable)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	nb, _, err := journal.Reduce(input, r)
	if err != nil {
		return nil, fmt.Errorf("render the executed notebook: %w", err)
	}
	return nb.Snapshot(), nil
}
