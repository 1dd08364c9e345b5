package grpcapi

import (
	"context"
	"strconv"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"quire"
	"quire/internal/service"
)

// maxPollInterval keeps the end of a long execution from going unnoticed for long.
const maxPollInterval = 10 * time.Second

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
	if !op.Done {
		seconds := strconv.Itoa(int(pollAfter(time.Since(op.CreatedAt)) / time.Second))
		if err := grpc.SetHeader(ctx, metadata.Pairs(pollIntervalHeader, seconds)); err != nil {
			return nil, err
		}
	}
	return operationProto(op)
}

// pollAfter is how long a client that polls is asked to wait before it looks
// again at an operation of that age: about a tenth of the time that it has taken
// already. Clients read whole seconds, and take 0 for no pause at all.
func pollAfter(age time.Duration) time.Duration {
	return min(max(age/10, time.Second), maxPollInterval)
}

func (o *operations) Cancel(ctx context.Context, req *operation.CancelOperationRequest) (*operation.Operation, error) {
	op, err := o.service.CancelOperation(ctx, quire.OperationID(req.GetOperationId()))
	if err != nil {
		return nil, err
	}
	return operationProto(op)
}
