package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"quire"
)

// UnitBalance implements service.UnitStore.
func (s *Store) UnitBalance(ctx context.Context, id quire.ProjectID) (*int64, error) {
	var balance *int64
	err := s.reader.QueryRowContext(ctx, "SELECT unit_balance FROM projects WHERE id = ? AND deletion IS NULL", id).Scan(&balance)
	if err != nil {
		return nil, fmt.Errorf("get unit balance: %w", orNotFound(err, "project", string(id)))
	}
	return balance, nil
}

// SetUnitBalance implements service.UnitStore.
func (s *Store) SetUnitBalance(ctx context.Context, id quire.ProjectID, balance *int64, op quire.Operation) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := s.projectThere(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE projects SET unit_balance = ? WHERE id = ?", balance, id); err != nil {
			return err
		}
		return finish(op, nil)
	})
}

// spend takes what an execution has cost off its project's balance.
func (s *Store) spend(ctx context.Context, tx *sql.Tx, id quire.ProjectID, units int64) error {
	if units == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE projects SET unit_balance = unit_balance - ? WHERE id = ? AND unit_balance IS NOT NULL", units, id)
	return err
}

// Budget implements dispatch.Store.
func (s *Store) Budget(ctx context.Context, id quire.ProjectID, since time.Time) (quire.Budget, error) {
	var b quire.Budget
	var limits quire.ProjectLimits
	from := moment{&since}
	err := s.reader.QueryRowContext(ctx, `SELECT limits, unit_balance, iif(limits ->> '$.maxUnitsPerHour' IS NULL, 0, (
			SELECT coalesce(sum((finished_at - max(started_at, ?)) / 1000000000 * price), 0) FROM executions
			WHERE project_id = projects.id AND finished_at > ? AND started_at > 0))
		FROM projects WHERE id = ?`, from, from, id).
		Scan(asJSON((*storedLimits)(&limits)), &b.Balance, &b.Spent)
	if err != nil {
		return b, fmt.Errorf("get budget: %w", orNotFound(err, "project", string(id)))
	}
	b.MaxPerHour = limits.MaxUnitsPerHour
	return b, nil
}
