package service

import (
	"context"
	"fmt"

	"quire"
	"quire/nbformat"
)

// Retry runs an execution that has ended once more: the notebook as it was
// submitted, whatever became of the file, with the inputs, output variables,
// spec, priority and run settings that it had. Limits, prices and policy are
// those of today. It returns the new execution, whose operation has its id.
func (s *Service) Retry(ctx context.Context, call Call, id quire.ExecutionID) (quire.Execution, error) {
	first, ok, err := s.repeated(ctx, call)
	if err != nil {
		return quire.Execution{}, err
	}
	if ok {
		return s.Execution(ctx, quire.ExecutionID(first.ID))
	}
	e, input, p, err := s.again(ctx, id)
	if err != nil {
		return quire.Execution{}, err
	}
	op := s.operation(call, quire.OpExecute, "Execute notebook again")
	stored, err := s.submit(ctx, call, op, e, input, s.queueLimits(p))
	if err != nil {
		return quire.Execution{}, err
	}
	return s.Execution(ctx, quire.ExecutionID(stored.ID))
}

// again makes of an execution that has ended the one that repeats it.
func (s *Service) again(ctx context.Context, id quire.ExecutionID) (quire.Execution, submission, quire.Project, error) {
	var none quire.Execution
	var nothing submission
	old, err := s.store.Execution(ctx, id)
	if err != nil {
		return none, nothing, quire.Project{}, atField("execution_id", err)
	}
	if !old.State.Ended() {
		return none, nothing, quire.Project{}, &quire.Error{
			Code: quire.FailedPrecondition, Field: "execution_id",
			Message: fmt.Sprintf("execution %q is %s: it can be repeated when it has ended", id, old.State),
		}
	}
	p, err := s.store.Project(ctx, old.ProjectID)
	if err != nil {
		return none, nothing, quire.Project{}, err
	}
	input, err := s.submitted(ctx, id)
	if err != nil {
		return none, nothing, quire.Project{}, err
	}
	spec, err := s.catalogue.Lookup("execution_id", old.Spec)
	if err != nil {
		return none, nothing, quire.Project{}, err
	}
	terms, err := s.terms(ctx, p, spec)
	if err != nil {
		return none, nothing, quire.Project{}, err
	}
	return quire.Execution{
		ProjectID:        old.ProjectID,
		Target:           old.Target,
		Inputs:           old.Inputs,
		OutputNames:      old.OutputNames,
		Spec:             old.Spec,
		SparkConnectorID: old.SparkConnectorID,
		Run:              old.Run,
		Terms:            terms,
		Priority:         old.Priority,
		RetryOf:          old.ID,
		Progress:         quire.Progress{State: quire.Queued},
	}, input, p, nil
}

// submitted returns what an execution was submitted with, after it has made
// sure that there still is a kernel to run it.
func (s *Service) submitted(ctx context.Context, id quire.ExecutionID) (submission, error) {
	input, err := s.archive.Input(ctx, id)
	if quire.CodeOf(err) == quire.NotFound { // it expires at this moment
		return submission{}, &quire.Error{Code: quire.NotFound, Field: "execution_id", Message: fmt.Sprintf("execution %q not found", id), Err: err}
	}
	if err != nil {
		return submission{}, fmt.Errorf("read the submitted notebook: %w", err)
	}
	nb, err := nbformat.Parse(input)
	if err != nil {
		return submission{}, fmt.Errorf("read the submitted notebook: %w", err)
	}
	declared, err := s.archive.Declared(ctx, id)
	if err != nil {
		return submission{}, fmt.Errorf("read what was declared: %w", err)
	}
	return submission{input, declared}, s.checkKernel("execution_id", nb, declared)
}
