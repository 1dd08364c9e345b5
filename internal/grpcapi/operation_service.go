package grpcapi

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"quire"
	"quire/internal/service"
)

// operations is the OperationService.
type operations struct {
	operation.UnimplementedOperationServiceServer
	service *service.Service
}

func (o *operations) Get(ctx context.Context, req *operation.GetOperationRequest) (*operation.Operation, error) {
	op, err := o.service.Operation(ctx, quire.OperationID(req.GetOperationId()))
	if err != nil {
		return nil, err
	}
	return operationProto(op)
}

func (o *operations) Cancel(ctx context.Context, req *operation.CancelOperationRequest) (*operation.Operation, error) {
	op, err := o.service.CancelOperation(ctx, quire.OperationID(req.GetOperationId()))
	if err != nil {
		return nil, err
	}
	return operationProto(op)
}
