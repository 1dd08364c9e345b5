package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"quire"
)

const (
	operationColumns = "id, kind, description, community_id, project_id, target, created_by, created_at, modified_at, " +
		"done, result, failure, idempotency_key, request_digest"
	selectOperation = "SELECT " + operationColumns + " FROM operations"
	endOperation    = "UPDATE operations SET done = 1, result = ?, failure = ?, modified_at = ? WHERE id = ? AND done = 0"
)

// operationFields lists op's fields in the order of operationColumns.
func operationFields(op *quire.Operation) []any {
	return []any{
		&op.ID, &op.Kind, &op.Description, &op.CommunityID, &op.ProjectID, asJSON(&op.Target),
		&op.CreatedBy,
		moment{&op.CreatedAt},
		moment{&op.ModifiedAt},
		&op.Done,
		rawText{&op.Result},
		failureText{&op.Failure},
		&op.IdempotencyKey, &op.RequestDigest,
	}
}

func scanOperation(row scanner) (quire.Operation, error) {
	var op quire.Operation
	err := row.Scan(operationFields(&op)...)
	return op, err
}

// Operation implements service.OperationStore. An operation may be about what
// is deleted.
func (s *Store) Operation(ctx context.Context, id quire.OperationID) (quire.Operation, error) {
	op, err := scanOperation(s.stmts.operation.QueryRowContext(ctx, id))
	if err != nil {
		return quire.Operation{}, fmt.Errorf("get operation: %w", orNotFound(err, "operation", string(id)))
	}
	return op, nil
}

// OperationByKey implements service.OperationStore.
func (s *Store) OperationByKey(ctx context.Context, creator, key string) (quire.Operation, error) {
	op, err := scanOperation(s.reader.QueryRowContext(ctx,
		selectOperation+" WHERE created_by = ? AND idempotency_key = ? AND idempotency_key != ''", creator, key))
	if errors.Is(err, sql.ErrNoRows) {
		err = quire.Errorf(quire.NotFound, "no operation has the idempotency key %q", key)
	}
	if err != nil {
		return quire.Operation{}, fmt.Errorf("get operation by key: %w", err)
	}
	return op, nil
}

// stamp makes op a new operation that is not done, with times as they will be
// read back.
func (s *Store) stamp(op *quire.Operation) {
	op.CreatedAt = s.orNow(op.CreatedAt)
	if op.ModifiedAt.IsZero() {
		op.ModifiedAt = op.CreatedAt
	}
	op.ModifiedAt = s.orNow(op.ModifiedAt)
	op.Done, op.Result, op.Failure = false, nil, nil
}

// orNow returns t, or the time of the store's clock if t is zero, without zone
// and monotonic reading.
func (s *Store) orNow(t time.Time) time.Time {
	if t.IsZero() {
		t = s.now()
	}
	return t.UTC().Round(0)
}

// finish makes op done with what it left.
func finish(op *quire.Operation, left any) error {
	result, err := json.Marshal(left)
	if err != nil {
		return err
	}
	op.Done, op.Result = true, result
	return nil
}

// codes names the codes in the database, where they must outlive a change of
// their numbers.
var codes = []string{
	quire.Internal:           "internal",
	quire.InvalidArgument:    "invalid_argument",
	quire.NotFound:           "not_found",
	quire.AlreadyExists:      "already_exists",
	quire.FailedPrecondition: "failed_precondition",
	quire.PermissionDenied:   "permission_denied",
	quire.Unauthenticated:    "unauthenticated",
	quire.ResourceExhausted:  "resource_exhausted",
	quire.Unavailable:        "unavailable",
	quire.Unimplemented:      "unimplemented",
}

// failureText is the column of an operation's failure: JSON, or NULL for nil.
// The cause is for the log and is not kept.
type failureText struct{ failure **quire.Error }

type storedFailure struct {
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func (f failureText) Value() (driver.Value, error) {
	e := *f.failure
	if e == nil {
		return nil, nil
	}
	stored := storedFailure{Code: codes[quire.Internal], Field: e.Field, Message: e.Message}
	if int(e.Code) < len(codes) {
		stored.Code = codes[e.Code]
	}
	return asJSON(&stored).Value()
}

func (f failureText) Scan(src any) error {
	*f.failure = nil
	if src == nil {
		return nil
	}
	var stored storedFailure
	if err := asJSON(&stored).Scan(src); err != nil {
		return err
	}
	code := max(slices.Index(codes, stored.Code), int(quire.Internal))
	*f.failure = &quire.Error{Code: quire.Code(code), Field: stored.Field, Message: stored.Message}
	return nil
}
