package sqlite

import (
	"context"
	"database/sql"
	"strings"
)

// statements are those that every execution passes through, prepared once.
type statements struct {
	// on the writer
	insertOperation, operationByKey, endOperation *sql.Stmt
	insertExecution, projectThere, queued         *sql.Stmt
	claimQueued, claimExecution, saveProgress     *sql.Stmt

	// on the readers
	operation, execution *sql.Stmt
}

// prepare fills s.stmts. Closing the pools closes them.
func (s *Store) prepare(ctx context.Context) error {
	for _, one := range []struct {
		stmt  **sql.Stmt
		db    *sql.DB
		query string
	}{
		{&s.stmts.insertOperation, s.writer, insert("operations", operationColumns)},
		{&s.stmts.operationByKey, s.writer, selectOperation + " WHERE created_by = ? AND idempotency_key = ? AND idempotency_key != ''"},
		{&s.stmts.endOperation, s.writer, endOperation},
		{&s.stmts.insertExecution, s.writer, insert("executions", executionColumns)},
		{&s.stmts.projectThere, s.writer, "SELECT 1 FROM projects WHERE id = ? AND deletion IS NULL"},
		{&s.stmts.queued, s.writer, "SELECT (SELECT queued FROM projects WHERE id = ?), (SELECT coalesce(sum(queued), 0) FROM projects WHERE queued > 0)"},
		{&s.stmts.claimQueued, s.writer, claimQueued},
		{&s.stmts.claimExecution, s.writer, claimExecution},
		{&s.stmts.saveProgress, s.writer, saveProgress},
		{&s.stmts.operation, s.reader, selectOperation + " WHERE id = ?"},
		{&s.stmts.execution, s.reader, selectExecution + " WHERE id = ? AND " + projectVisible},
	} {
		stmt, err := one.db.PrepareContext(ctx, one.query) //nolint:sqlclosecheck // closed with its pool
		if err != nil {
			return err
		}
		*one.stmt = stmt
	}
	return nil
}

// insert returns the statement that adds a row of the given columns.
func insert(table, columns string) string {
	marks := strings.Repeat(", ?", strings.Count(columns, ",")+1)[2:]
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + marks + ")"
}
