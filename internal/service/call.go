package service

import (
	"context"

	"quire"
	"quire/internal/crash"
)

// Call says who calls, and how a repetition of the call can be known.
type Call struct {
	Caller         string
	IdempotencyKey string // empty: the client sent none
	Digest         string // of the request; two calls with one key must have the same
}

// operation returns a new operation for the call.
func (s *Service) operation(call Call, kind quire.OperationKind, description string) quire.Operation {
	now := s.now().UTC()
	op := quire.Operation{
		ID:          quire.OperationID(quire.NewID()),
		Kind:        kind,
		Description: description,
		CreatedBy:   call.Caller,
		CreatedAt:   now,
		ModifiedAt:  now,
	}
	if call.IdempotencyKey != "" {
		op.IdempotencyKey = call.IdempotencyKey
		op.RequestDigest = call.Digest
	}
	return op
}

// repeated finds the operation that the call's key has started before. The
// store would find it as well, but a repetition must be answered even if what
// the first call needed, its notebook say, is no longer there.
func (s *Service) repeated(ctx context.Context, call Call) (quire.Operation, bool, error) {
	if call.IdempotencyKey == "" {
		return quire.Operation{}, false, nil
	}
	op, err := s.store.OperationByKey(ctx, call.Caller, call.IdempotencyKey)
	if quire.CodeOf(err) == quire.NotFound {
		return quire.Operation{}, false, nil
	}
	if err != nil {
		return quire.Operation{}, false, err
	}
	return op, true, sameRequest(call, op)
}

// sameRequest refuses a key that was used with another request.
func sameRequest(call Call, op quire.Operation) error {
	if call.IdempotencyKey == "" || op.RequestDigest == call.Digest {
		return nil
	}
	return quire.Errorf(quire.InvalidArgument, "the idempotency key %q was used before with another request: send a new key", call.IdempotencyKey)
}

// mutate stores a mutation with its new operation, unless the call is a
// repetition: then it returns the operation of the first.
func (s *Service) mutate(ctx context.Context, call Call, op quire.Operation, store func(quire.Operation) (quire.Operation, error)) (quire.Operation, error) {
	if first, ok, err := s.repeated(ctx, call); ok || err != nil {
		return first, err
	}
	crash.At(crash.OperationBegin)
	stored, err := store(op)
	if err != nil {
		return quire.Operation{}, err
	}
	crash.At(crash.OperationStored)
	return stored, sameRequest(call, stored)
}
