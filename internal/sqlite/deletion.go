package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"quire"
)

// DeleteProject implements service.ProjectStore. It ends the project's QUEUED
// executions, for no dispatcher will see them any more, and asks the others to
// stop.
func (s *Store) DeleteProject(ctx context.Context, id quire.ProjectID, op quire.Operation) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := s.projectThere(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE projects SET deletion = ? WHERE id = ?", op.ID, id); err != nil {
			return err
		}
		now := s.orNow(op.CreatedAt)
		_, err := tx.ExecContext(ctx, `UPDATE executions SET cancel_requested_at = ?
			WHERE project_id = ? AND state IN ('QUEUED', 'STARTING', 'RUNNING') AND cancel_requested_at = 0`, moment{&now}, id)
		if err != nil {
			return err
		}
		return s.abortQueued(ctx, tx, id)
	})
}

// abortQueued ends the QUEUED executions of a deleted project.
func (s *Store) abortQueued(ctx context.Context, tx *sql.Tx, id quire.ProjectID) error {
	const queued = "project_id = ? AND state = 'QUEUED'"
	now := s.orNow(s.now())
	failure := &quire.Failure{Kind: quire.Cancelled, Message: "The project was deleted."}
	_, err := tx.ExecContext(ctx, `UPDATE operations SET done = 1, result = '"ABORTED"', modified_at = ?
		WHERE done = 0 AND id IN (SELECT id FROM executions WHERE `+queued+")", moment{&now}, id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE executions SET state = 'ABORTED', failure = ?, finished_at = ? WHERE "+queued,
		asJSON(&failure), moment{&now}, id)
	return err
}

// DeletedProjects implements service.DeletionStore.
func (s *Store) DeletedProjects(ctx context.Context) ([]quire.ProjectID, error) {
	ids, err := column[quire.ProjectID](ctx, s.reader, "SELECT id FROM projects WHERE deletion IS NOT NULL ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("list deleted projects: %w", err)
	}
	return ids, nil
}

// ProjectExecutions implements service.DeletionStore; the oldest come first.
func (s *Store) ProjectExecutions(ctx context.Context, id quire.ProjectID, ended bool) ([]quire.ExecutionID, error) {
	ids, err := column[quire.ExecutionID](ctx, s.reader, `SELECT id FROM executions
		WHERE project_id = ? AND (state IN ('SUCCEEDED', 'FAILED', 'ABORTED')) = ? ORDER BY seq`, id, ended)
	if err != nil {
		return nil, fmt.Errorf("list executions of project: %w", err)
	}
	return ids, nil
}

func column[T any](ctx context.Context, db *sql.DB, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var values []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

// PurgeProject implements service.DeletionStore. It refuses with
// FailedPrecondition a project that is not deleted or has executions that have
// not ended, and does nothing to one that is not there: it may be repeated.
func (s *Store) PurgeProject(ctx context.Context, id quire.ProjectID) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		var deletion sql.Null[quire.OperationID]
		var running int
		err := tx.QueryRowContext(ctx, `SELECT deletion, (SELECT count(*) FROM executions
			WHERE project_id = projects.id AND state IN ('QUEUED', 'STARTING', 'RUNNING')) FROM projects WHERE id = ?`, id).
			Scan(&deletion, &running)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		case !deletion.Valid:
			return quire.Errorf(quire.FailedPrecondition, "project %q is not deleted", id)
		case running > 0:
			return quire.Errorf(quire.FailedPrecondition, "project %q has executions that have not ended (%d)", id, running)
		}
		for _, query := range []string{ // the references are checked at the commit
			"DELETE FROM operations WHERE id IN (SELECT id FROM executions WHERE project_id = ?)",
			"DELETE FROM executions WHERE project_id = ?",
			"DELETE FROM projects WHERE id = ?",
		} {
			if _, err := tx.ExecContext(ctx, query, id); err != nil {
				return err
			}
		}
		now := s.orNow(s.now())
		return exec(ctx, tx, s.stmts.endOperation, "null", nil, moment{&now}, deletion.V)
	})
	if err != nil {
		return fmt.Errorf("purge project: %w", err)
	}
	return nil
}
