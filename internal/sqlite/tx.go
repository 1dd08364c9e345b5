package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"quire"
)

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// write runs f in a transaction that has the write lock from its start: what f
// reads cannot have changed when it writes. Nothing is written if f fails.
func (s *Store) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return shortage(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := f(tx); err != nil {
		return shortage(err)
	}
	return shortage(tx.Commit())
}

// shortage adds to an error of SQLite's the system's own for the same, so that
// whoever asks for that finds it.
func shortage(err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff { // the rest of an extended code says where
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", unix.ENOSPC, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", unix.EROFS, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: %w", unix.EIO, err)
	case sqlite3.SQLITE_CANTOPEN: // any reason at all
		null, reason := os.Open(os.DevNull)
		if reason != nil {
			return fmt.Errorf("%w: %w", reason, err)
		}
		_ = null.Close()
	}
	return err
}

// queryRow runs a prepared statement in tx.
func queryRow(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) *sql.Row {
	return tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
}

// exec runs a prepared statement in tx.
func exec(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) error {
	_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	return err
}

// mutate runs f and stores op in one transaction, unless op's creator has used
// its idempotency key before: then it only returns that earlier operation.
func (s *Store) mutate(ctx context.Context, op quire.Operation, f func(tx *sql.Tx, op *quire.Operation) error) (quire.Operation, error) {
	s.stamp(&op)
	asked := op
	err := s.together(ctx, func(tx *sql.Tx) error {
		op = asked
		if op.IdempotencyKey != "" {
			earlier, err := scanOperation(queryRow(ctx, tx, s.stmts.operationByKey, op.CreatedBy, op.IdempotencyKey))
			if err == nil {
				op = earlier
				return nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if err := f(tx, &op); err != nil {
			return err
		}
		err := exec(ctx, tx, s.stmts.insertOperation, operationFields(&op)...)
		return taken(err, "operation", string(op.ID))
	})
	if err != nil {
		return quire.Operation{}, fmt.Errorf("%s: %w", op.Kind, err)
	}
	return op, nil
}

// notFound says that there is no such thing, in words for the client.
func notFound(what, id string) error {
	return quire.Errorf(quire.NotFound, "%s %q not found", what, id)
}

// orNotFound returns err, or a NotFound error if err says that there is no row.
func orNotFound(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound(what, id)
	}
	return err
}

// taken returns err, or an AlreadyExists error if err says that id is in use.
func taken(err error, what, id string) error {
	e, ok := errors.AsType[*driver.Error](err)
	if ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return &quire.Error{
			Code:    quire.AlreadyExists,
			Message: fmt.Sprintf("%s %q exists already", what, id),
			Err:     err,
		}
	}
	return err
}
