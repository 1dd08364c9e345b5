package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"quire"
	"quire/internal/service"
)

const (
	sweepColumns = "id, project_id, work, sweep_values, total, created_by, created_at"
	sweepVisible = "EXISTS (SELECT 1 FROM projects WHERE projects.id = sweeps.project_id AND projects.deletion IS NULL)"

	// sweepStates counts a sweep's executions by state, as a JSON object.
	sweepStates = `(SELECT json_group_object(state, n) FROM (SELECT state, count(*) AS n FROM executions
		WHERE sweep_id = sweeps.id AND sweep_id != '' GROUP BY state))`
)

// sweepFields lists w's fields in the order of sweepColumns.
func sweepFields(w *quire.Sweep) []any {
	return []any{&w.ID, &w.ProjectID, asJSON(&w.Work), asJSON(&w.Values), &w.Total, &w.CreatedBy, moment{&w.CreatedAt}}
}

// CreateSweep implements service.SweepStore.
func (s *Store) CreateSweep(ctx context.Context, w quire.Sweep, starts []service.Start, op quire.Operation) (quire.Operation, error) {
	w.CreatedAt = s.orNow(w.CreatedAt)
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := s.projectThere(ctx, tx, w.ProjectID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insert("sweeps", sweepColumns), sweepFields(&w)...); err != nil {
			return taken(err, "sweep", string(w.ID))
		}
		for _, start := range starts {
			if err := s.begin(ctx, tx, start); err != nil {
				return err
			}
		}
		return finish(op, w.ID)
	})
}

// begin adds an execution to the queue with its operation.
func (s *Store) begin(ctx context.Context, tx *sql.Tx, start service.Start) error {
	e, op := start.Execution, start.Operation
	s.stamp(&op)
	e.CreatedAt, e.State = s.orNow(e.CreatedAt), quire.Queued
	if err := s.enqueue(ctx, tx, e, op.ID, start.Most); err != nil {
		return err
	}
	return exec(ctx, tx, s.stmts.insertOperation, operationFields(&op)...)
}

// Sweep implements service.SweepStore.
func (s *Store) Sweep(ctx context.Context, id quire.SweepID) (quire.Sweep, error) {
	var w quire.Sweep
	err := s.reader.QueryRowContext(ctx, "SELECT "+sweepColumns+", "+sweepStates+" FROM sweeps WHERE id = ? AND "+sweepVisible, id).
		Scan(append(sweepFields(&w), asJSON(&w.States))...)
	if err != nil {
		return quire.Sweep{}, fmt.Errorf("get sweep: %w", orNotFound(err, "sweep", string(id)))
	}
	return w, nil
}

// Sweeps implements service.SweepStore.
func (s *Store) Sweeps(ctx context.Context, f quire.SweepFilter) ([]quire.Sweep, string, error) {
	l := list{what: "sweeps", columns: sweepColumns + ", " + sweepStates + ", seq", newest: true, where: []string{sweepVisible}}
	l.narrow("project_id = ?", string(f.ProjectID))
	return fetch(ctx, s.reader, l, f.Page, func(row scanner) (w quire.Sweep, seq int64, err error) {
		err = row.Scan(append(sweepFields(&w), asJSON(&w.States), &seq)...)
		return w, seq, err
	})
}

// CancelSweep implements service.SweepStore.
func (s *Store) CancelSweep(ctx context.Context, id quire.SweepID) ([]quire.ExecutionID, error) {
	var ids []quire.ExecutionID
	err := s.write(ctx, func(tx *sql.Tx) error {
		now := s.orNow(s.now())
		rows, err := tx.QueryContext(ctx, `UPDATE executions SET cancel_requested_at = ?
			WHERE sweep_id = ? AND sweep_id != '' AND state IN ('QUEUED', 'STARTING', 'RUNNING') AND cancel_requested_at = 0 AND `+
			projectVisible+" RETURNING id", moment{&now}, id)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var one quire.ExecutionID
			if err := rows.Scan(&one); err != nil {
				return err
			}
			ids = append(ids, one)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cancel sweep: %w", err)
	}
	return ids, nil
}
