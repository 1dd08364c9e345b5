package grpcapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"quire/internal/service"
)

// callOf returns what the service layer is told of a call besides its request.
func callOf(ctx context.Context, request proto.Message) (service.Call, error) {
	key, err := IdempotencyKey(ctx)
	if err != nil {
		return service.Call{}, err
	}
	call := service.Call{Caller: Subject(ctx), IdempotencyKey: key}
	if key == "" {
		return call, nil
	}
	method, _ := grpc.Method(ctx)
	// Deterministic within one build of Quire. A client that repeats a call
	// across an upgrade that changed the encoding is refused, never answered
	// with another call's operation.
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return service.Call{}, fmt.Errorf("encode request for its digest: %w", err)
	}
	// The priority is a part of the request, and no field of a message begins with a zero.
	for _, value := range metadata.ValueFromIncomingContext(ctx, priorityHeader) {
		data = append(append(data, 0), value...)
	}
	sum := sha256.Sum256(append([]byte(method+"\x00"), data...))
	call.Digest = hex.EncodeToString(sum[:])
	return call, nil
}
