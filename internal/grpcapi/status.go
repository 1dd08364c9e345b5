package grpcapi

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"quire"
)

// grpcCode is the one table from Quire's codes to those of gRPC.
func grpcCode(c quire.Code) codes.Code {
	switch c {
	case quire.InvalidArgument:
		return codes.InvalidArgument
	case quire.NotFound:
		return codes.NotFound
	case quire.AlreadyExists:
		return codes.AlreadyExists
	case quire.FailedPrecondition:
		return codes.FailedPrecondition
	case quire.PermissionDenied:
		return codes.PermissionDenied
	case quire.Unauthenticated:
		return codes.Unauthenticated
	case quire.ResourceExhausted:
		return codes.ResourceExhausted
	case quire.Unavailable:
		return codes.Unavailable
	case quire.Unimplemented:
		return codes.Unimplemented
	case quire.Internal:
		return codes.Internal
	default:
		return codes.Internal
	}
}

// statusOf returns what a client may know of err, which a method returned.
func statusOf(err error, method, requestID string) *status.Status {
	st := status.New(codes.Internal, "internal error")
	details := []protoadapt.MessageV1{&errdetails.RequestInfo{RequestId: requestID}}
	if e, ok := errors.AsType[*quire.Error](err); ok {
		st = status.New(grpcCode(e.Code), e.Error())
		if e.Field != "" {
			details = append(details, &errdetails.BadRequest{
				FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: e.Field, Description: e.Message}},
			})
		}
	} else if errors.Is(err, context.Canceled) {
		st = status.New(codes.Canceled, "the call was cancelled")
	} else if errors.Is(err, context.DeadlineExceeded) {
		st = status.New(codes.DeadlineExceeded, "the call's deadline has passed")
	} else if short := quire.Shortage(err); short != nil {
		st = status.New(grpcCode(short.Code), short.Message)
	} else if given, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		// A wrapped status is not looked for: it would be some other server's.
		st = given.GRPCStatus()
		if st.Code() == codes.Unimplemented {
			st = status.New(codes.Unimplemented, strings.TrimPrefix(method, "/")+" is not built yet")
		}
	}
	if detailed, err := st.WithDetails(details...); err == nil {
		return detailed
	}
	return st
}
