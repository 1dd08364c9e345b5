package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"quire"
	"quire/internal/service"
)

const (
	executionColumns = "id, project_id, target, inputs, output_names, spec, spark_connector_id, run, terms, priority, retry_of, " +
		"schedule_id, scheduled_at, sweep_id, sweep_number, created_by, created_at, " +
		progressColumns + ", cancel_requested_at, claim_owner, claim_token, claim_until, handle"
	progressColumns = "state, attempt, kernel, cells_total, cells_done, " +
		"started_at, environment_at, kernel_at, finished_at, outputs, failure, attempts, bounds, receipt, price, units"
	selectExecution = "SELECT " + executionColumns + " FROM executions"

	// projectVisible holds for the executions of a project that is not deleted.
	projectVisible = "EXISTS (SELECT 1 FROM projects WHERE projects.id = executions.project_id AND projects.deletion IS NULL)"
)

// executionFields lists e's fields in the order of executionColumns.
func executionFields(e *quire.Execution) []any {
	fields := []any{
		&e.ID, &e.ProjectID, asJSON(&e.Target), asJSON(&e.Inputs), asJSON(&e.OutputNames),
		&e.Spec, &e.SparkConnectorID, asJSON(&e.Run), asJSON(&e.Terms), &e.Priority, &e.RetryOf,
		&e.Origin.Schedule,
		moment{&e.Origin.Scheduled},
		&e.Origin.Sweep, &e.Origin.Number, &e.CreatedBy,
		moment{&e.CreatedAt},
	}
	fields = append(fields, progressFields(&e.Progress)...)
	return append(fields, moment{&e.CancelRequestedAt},
		&e.Claim.Owner, &e.Claim.Token, moment{&e.Claim.Until}, rawText{&e.Handle})
}

// progressFields lists p's fields in the order of progressColumns.
func progressFields(p *quire.Progress) []any {
	return []any{
		&p.State, &p.Attempt, &p.Kernel, &p.CellsTotal, &p.CellsDone,
		moment{&p.Timing.Started},
		moment{&p.Timing.Environment},
		moment{&p.Timing.Kernel},
		moment{&p.Timing.Finished},
		asJSON(&p.Outputs), asJSON(&p.Failure), asJSON(&p.Attempts), asJSON(&p.Bounds), asJSON(&p.Receipt), &p.Price, &p.Units,
	}
}

// CreateExecution implements service.ExecutionStore. A project that does not
// exist is NotFound.
func (s *Store) CreateExecution(ctx context.Context, e quire.Execution, op quire.Operation, most service.QueueLimits) (quire.Operation, error) {
	e.CreatedAt = s.orNow(e.CreatedAt)
	e.State = quire.Queued
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		return s.enqueue(ctx, tx, e, op.ID, most)
	})
}

// enqueue adds an execution to the queue, if there is room.
func (s *Store) enqueue(ctx context.Context, tx *sql.Tx, e quire.Execution, op quire.OperationID, most service.QueueLimits) error {
	if quire.ExecutionID(op) != e.ID {
		return fmt.Errorf("the operation's id %q is not the execution's, %q", op, e.ID)
	}
	if err := s.projectThere(ctx, tx, e.ProjectID); err != nil {
		return err
	}
	if err := s.queueHasRoom(ctx, tx, e.ProjectID, most); err != nil {
		return err
	}
	err := exec(ctx, tx, s.stmts.insertExecution, executionFields(&e)...)
	return taken(err, "execution", string(e.ID))
}

// queueHasRoom returns ResourceExhausted where one more execution would be too many.
func (s *Store) queueHasRoom(ctx context.Context, tx *sql.Tx, id quire.ProjectID, most service.QueueLimits) error {
	var queued, all int
	if err := queryRow(ctx, tx, s.stmts.queued, id).Scan(&queued, &all); err != nil {
		return err
	}
	switch {
	case most.Project > 0 && queued >= most.Project:
		return quire.Errorf(quire.ResourceExhausted, "project %q has %d executions in the queue, which is its limit: try again when some have started", id, queued)
	case most.Server > 0 && all >= most.Server:
		return quire.Errorf(quire.ResourceExhausted, "%d executions are in the queue, which is the server's limit: try again when some have started", all)
	}
	return nil
}

// projectThere returns NotFound for a project that is not there or deleted.
func (s *Store) projectThere(ctx context.Context, tx *sql.Tx, id quire.ProjectID) error {
	var one int
	err := queryRow(ctx, tx, s.stmts.projectThere, id).Scan(&one)
	return orNotFound(err, "project", string(id))
}

// Execution implements service.ExecutionStore.
func (s *Store) Execution(ctx context.Context, id quire.ExecutionID) (quire.Execution, error) {
	var e quire.Execution
	if err := s.stmts.execution.QueryRowContext(ctx, id).Scan(executionFields(&e)...); err != nil {
		return quire.Execution{}, fmt.Errorf("get execution: %w", orNotFound(err, "execution", string(id)))
	}
	return e, nil
}

// Executions implements service.ExecutionStore.
func (s *Store) Executions(ctx context.Context, f quire.ExecutionFilter) ([]quire.Execution, string, error) {
	l := list{what: "executions", columns: executionColumns + ", seq", newest: true, where: []string{projectVisible}}
	l.narrow("project_id = ?", string(f.ProjectID))
	l.narrow("state = ?", string(f.State))
	l.narrow("schedule_id = ?", string(f.Schedule))
	l.narrow("sweep_id = ?", string(f.Sweep))
	return fetch(ctx, s.reader, l, f.Page, scanExecution)
}

// scanExecution scans a row of executionColumns and seq.
func scanExecution(row scanner) (e quire.Execution, seq int64, err error) {
	err = row.Scan(append(executionFields(&e), &seq)...)
	return e, seq, err
}

// RequestCancel implements service.ExecutionStore.
func (s *Store) RequestCancel(ctx context.Context, id quire.ExecutionID) (quire.Execution, error) {
	var e quire.Execution
	err := s.write(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, selectExecution+" WHERE id = ? AND "+projectVisible, id)
		if err := row.Scan(executionFields(&e)...); err != nil {
			return orNotFound(err, "execution", string(id))
		}
		if e.State.Ended() || !e.CancelRequestedAt.IsZero() {
			return nil
		}
		e.CancelRequestedAt = s.orNow(s.now())
		_, err := tx.ExecContext(ctx, "UPDATE executions SET cancel_requested_at = ? WHERE id = ?", moment{&e.CancelRequestedAt}, id)
		return err
	})
	if err != nil {
		return quire.Execution{}, fmt.Errorf("request cancel: %w", err)
	}
	return e, nil
}
