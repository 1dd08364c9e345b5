package service

import (
	"context"

	"quire"
)

// UnitBalance returns how many units a project has left; nil is no limit.
func (s *Service) UnitBalance(ctx context.Context, id quire.ProjectID) (*int64, error) {
	return s.store.UnitBalance(ctx, id)
}

// SetUnitBalance sets how many units a project has left; nil is no limit.
func (s *Service) SetUnitBalance(ctx context.Context, call Call, id quire.ProjectID, balance *int64) (quire.Operation, error) {
	op := s.operation(call, quire.OpSetUnitBalance, "Set unit balance")
	op.ProjectID = id
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.SetUnitBalance(ctx, id, balance, op)
	})
}
