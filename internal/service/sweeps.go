package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"quire"
	"quire/internal/crash"
)

// sweepFolders is how many folders of a sweep's executions are made at a time.
const sweepFolders = 8

// CreateSweep submits an execution for each combination of the sweep's values,
// all of them or none. They run the notebook as it is now.
func (s *Service) CreateSweep(ctx context.Context, call Call, w quire.Sweep) (quire.Sweep, error) {
	if first, ok, err := s.repeated(ctx, call); err != nil || ok {
		return s.sweepOf(ctx, first, err)
	}
	combinations, err := w.Combinations()
	if err != nil {
		return quire.Sweep{}, err
	}
	for _, inputs := range combinations {
		if err := quire.CheckInputs("values", inputs); err != nil {
			return quire.Sweep{}, err
		}
	}
	e, input, most, err := s.prepare(ctx, ExecuteRequest{
		ProjectID: w.ProjectID, Target: w.Work.Notebook, Inputs: w.Work.Inputs,
		OutputNames: w.Work.OutputNames, Spec: w.Work.Spec, Priority: w.Work.Priority,
	})
	if err != nil {
		return quire.Sweep{}, sweepError(err)
	}
	w.ID, w.Total = quire.SweepID(quire.NewID()), len(combinations)
	w.Work.Notebook = e.Target.Notebook
	op := s.operation(call, quire.OpCreateSweep, "Sweep")
	op.ProjectID, w.CreatedBy, w.CreatedAt = w.ProjectID, op.CreatedBy, op.CreatedAt

	starts := make([]Start, len(combinations))
	for i, inputs := range combinations {
		one := Start{e, s.operation(Call{Caller: call.Caller}, quire.OpExecute, "Execute notebook of a sweep"), most}
		one.Execution.Inputs = inputs
		one.Execution.Origin = quire.Origin{Sweep: w.ID, Number: i}
		own(&one.Execution, &one.Operation)
		starts[i] = one
	}
	stored, err := s.acceptSweep(ctx, w, starts, op, input)
	if err == nil {
		err = sameRequest(call, stored)
	}
	return s.sweepOf(ctx, stored, err)
}

// sweepError puts an error about the notebook into the words of a sweep.
func sweepError(err error) error {
	if e, ok := err.(*quire.Error); ok && e.Field == "notebook_id" { //nolint:errorlint // as prepare returns it
		return atField("notebook", err)
	}
	return err
}

// acceptSweep makes all folders first, as keep does for one execution.
func (s *Service) acceptSweep(ctx context.Context, w quire.Sweep, starts []Start, op quire.Operation, input submission) (quire.Operation, error) {
	crash.At(crash.SweepBegin)
	making, folders := errgroup.WithContext(ctx)
	making.SetLimit(sweepFolders)
	for _, start := range starts {
		making.Go(func() error {
			defer crash.At(crash.SweepFolder)
			return s.archive.Create(folders, start.Execution.ID, input.notebook, input.declared)
		})
	}
	err := making.Wait()
	var stored quire.Operation
	if err != nil {
		err = fmt.Errorf("keep the notebook: %w", err)
	} else {
		crash.At(crash.SweepFolders)
		stored, err = s.store.CreateSweep(ctx, w, starts, op)
	}
	if err == nil && stored.ID == op.ID {
		crash.At(crash.SweepStored)
		s.dispatcher.Wake()
		return stored, nil
	}
	for _, start := range starts {
		s.discard(ctx, start.Execution.ID)
	}
	return stored, err
}

// sweepOf returns the sweep that an operation has created.
func (s *Service) sweepOf(ctx context.Context, op quire.Operation, err error) (quire.Sweep, error) {
	if err != nil {
		return quire.Sweep{}, err
	}
	var id quire.SweepID
	if err := json.Unmarshal(op.Result, &id); err != nil {
		return quire.Sweep{}, fmt.Errorf("read the operation's result: %w", err)
	}
	return s.FindSweep(ctx, id)
}

// FindSweep returns a sweep.
func (s *Service) FindSweep(ctx context.Context, id quire.SweepID) (quire.Sweep, error) {
	w, err := s.store.Sweep(ctx, id)
	return w, atField("sweep_id", err)
}

// Sweeps returns a page of a project's sweeps, newest first, and the token of
// the next one, empty at the end.
func (s *Service) Sweeps(ctx context.Context, f quire.SweepFilter) ([]quire.Sweep, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if _, err := s.store.Project(ctx, f.ProjectID); err != nil {
		return nil, "", atField("project_id", err)
	}
	return s.store.Sweeps(ctx, f)
}

// CancelSweep asks all executions of a sweep to stop that have not ended.
func (s *Service) CancelSweep(ctx context.Context, id quire.SweepID) (quire.Sweep, error) {
	if _, err := s.FindSweep(ctx, id); err != nil {
		return quire.Sweep{}, err
	}
	ids, err := s.store.CancelSweep(ctx, id)
	if err != nil {
		return quire.Sweep{}, err
	}
	for _, one := range ids {
		s.dispatcher.Cancel(one)
	}
	return s.FindSweep(ctx, id)
}

// SweepExecutions returns the sweep with its executions, in the order of the
// combinations; those that have expired are not there.
func (s *Service) SweepExecutions(ctx context.Context, id quire.SweepID) (quire.Sweep, []quire.Execution, error) {
	w, err := s.FindSweep(ctx, id)
	if err != nil {
		return w, nil, err
	}
	page := quire.Page{Size: quire.MaxSweep} // which is a page
	list, _, err := s.store.Executions(ctx, quire.ExecutionFilter{ProjectID: w.ProjectID, Sweep: id, Page: page})
	slices.SortFunc(list, func(a, b quire.Execution) int { return a.Origin.Number - b.Origin.Number })
	return w, list, err
}
