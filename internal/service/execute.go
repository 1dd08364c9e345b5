package service

import (
	"cmp"
	"context"
	"fmt"

	"quire"
	"quire/internal/crash"
)

// ExecuteRequest asks for one run of a notebook.
type ExecuteRequest struct {
	ProjectID        quire.ProjectID
	Target           string         // a notebook's path, or path#cell where ByCell is set
	ByCell           bool           // the client used the deprecated cell_id
	Inputs           map[string]any // JSON values, as in quire.Execution
	OutputNames      []string
	Spec             string // empty: the project's, else quire.DefaultSpec
	SparkConnectorID string
	Priority         int // among the project's executions
}

// Execute accepts an execution and returns its operation, whose id is the
// execution's. Everything that can be known to be wrong before a kernel starts
// is an error here. The notebook is run as it is now, whatever becomes of the
// file.
func (s *Service) Execute(ctx context.Context, call Call, r ExecuteRequest) (quire.Operation, error) {
	if first, ok, err := s.repeated(ctx, call); ok || err != nil {
		return first, err
	}
	op := s.operation(call, quire.OpExecute, "Execute notebook")
	e, input, most, err := s.prepare(ctx, r)
	if err != nil {
		return quire.Operation{}, err
	}
	return s.submit(ctx, call, op, e, input, most)
}

// submit stores the execution under the operation.
func (s *Service) submit(ctx context.Context, call Call, op quire.Operation, e quire.Execution, input submission, most QueueLimits) (quire.Operation, error) {
	own(&e, &op)
	stored, err := s.accept(ctx, e, op, input, most)
	if err != nil {
		return quire.Operation{}, err
	}
	return stored, sameRequest(call, stored)
}

// own makes op the operation of e.
func own(e *quire.Execution, op *quire.Operation) {
	e.ID = quire.ExecutionID(op.ID)
	e.CreatedBy, e.CreatedAt = op.CreatedBy, op.CreatedAt
	op.ProjectID, op.Target = e.ProjectID, e.Target
}

// prepare makes of a request the execution that it asks for, and reads the
// notebook that is to be run. It must fit into the queue within the limits.
func (s *Service) prepare(ctx context.Context, r ExecuteRequest) (quire.Execution, submission, QueueLimits, error) {
	var none quire.Execution
	var nothing submission
	target, err := parseTarget(r.Target, r.ByCell)
	if err != nil {
		return none, nothing, QueueLimits{}, err
	}
	if err := quire.CheckInputs("input_variables", r.Inputs); err != nil {
		return none, nothing, QueueLimits{}, err
	}
	if err := quire.CheckOutputNames("output_variable_names", r.OutputNames); err != nil {
		return none, nothing, QueueLimits{}, err
	}
	if err := checkPriority("priority", r.Priority); err != nil {
		return none, nothing, QueueLimits{}, err
	}
	p, err := s.store.Project(ctx, r.ProjectID)
	if err != nil {
		return none, nothing, QueueLimits{}, atField("project_id", err)
	}
	spec, err := s.catalogue.Lookup("spec", cmp.Or(r.Spec, p.Settings.DefaultSpec, quire.DefaultSpec))
	if err != nil {
		return none, nothing, QueueLimits{}, err
	}
	if r.SparkConnectorID != "" {
		// There is no way yet to make a connector, so no id can be that of one.
		return none, nothing, QueueLimits{}, &quire.Error{
			Code: quire.NotFound, Field: "spark_connector_id",
			Message: fmt.Sprintf("spark connector %.200q not found", r.SparkConnectorID),
		}
	}
	terms, err := s.terms(ctx, p, spec)
	if err != nil {
		return none, nothing, QueueLimits{}, err
	}
	input, err := s.readTarget(ctx, p.ID, &target)
	if err != nil {
		return none, nothing, QueueLimits{}, err
	}
	return quire.Execution{
		ProjectID:   p.ID,
		Target:      target,
		Inputs:      r.Inputs,
		OutputNames: r.OutputNames,
		Spec:        spec.Name,
		Run:         p.Run.Or(s.run),
		Terms:       terms,
		Priority:    r.Priority,
		Progress:    quire.Progress{State: quire.Queued},
	}, input, s.queueLimits(p), nil
}

// accept stores the execution.
func (s *Service) accept(ctx context.Context, e quire.Execution, op quire.Operation, input submission, most QueueLimits) (quire.Operation, error) {
	var stored quire.Operation
	err := s.keep(ctx, e.ID, input, func() (_ bool, err error) {
		stored, err = s.store.CreateExecution(ctx, e, op, most)
		return stored.ID == op.ID, err
	})
	return stored, err
}

// keep stores an execution by store, which says whether it has. The notebook
// goes first: an execution that is in the queue can be started.
func (s *Service) keep(ctx context.Context, id quire.ExecutionID, input submission, store func() (bool, error)) error {
	crash.At(crash.SubmitBegin)
	if err := s.archive.Create(ctx, id, input.notebook, input.declared); err != nil {
		return fmt.Errorf("keep the notebook: %w", err)
	}
	crash.At(crash.SubmitFolder)
	stored, err := store()
	if err == nil && stored {
		crash.At(crash.SubmitStored)
		s.dispatcher.Wake()
		return nil
	}
	s.discard(ctx, id)
	return err
}

// discard removes the folder of an execution that was not accepted. Its store
// may have been cut off after its commit, by ctx say: then the execution is
// queued and needs its notebook.
func (s *Service) discard(ctx context.Context, id quire.ExecutionID) {
	ctx = context.WithoutCancel(ctx)
	if _, found := s.store.Execution(ctx, id); quire.CodeOf(found) != quire.NotFound {
		return
	}
	if err := s.archive.Remove(ctx, id); err != nil {
		s.log.WarnContext(ctx, "folder of an execution that was not accepted is left over", "execution_id", id, "error", err)
	}
}
