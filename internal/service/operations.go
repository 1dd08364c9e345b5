package service

import (
	"context"

	"quire"
	"quire/internal/crash"
)

// Operation returns an operation.
func (s *Service) Operation(ctx context.Context, id quire.OperationID) (quire.Operation, error) {
	return s.store.Operation(ctx, id)
}

// CancelOperation asks an execution to stop and returns its operation, which
// is done when it has stopped. Any other operation, and one that is done, is
// returned as it is: there is nothing to stop.
func (s *Service) CancelOperation(ctx context.Context, id quire.OperationID) (quire.Operation, error) {
	op, err := s.store.Operation(ctx, id)
	if err != nil || op.Done || op.Kind != quire.OpExecute {
		return op, err
	}
	crash.At(crash.CancelBegin)
	if _, err := s.store.RequestCancel(ctx, quire.ExecutionID(id)); err == nil {
		crash.At(crash.CancelStored)
		s.dispatcher.Cancel(quire.ExecutionID(id))
	} else if quire.CodeOf(err) != quire.NotFound { // not found: its project is being deleted, which stops it as well
		return quire.Operation{}, err
	}
	return s.store.Operation(ctx, id)
}
