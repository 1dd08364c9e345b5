package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"quire"
)

const ended = "state IN ('SUCCEEDED', 'FAILED', 'ABORTED')"

// Expired implements service.RetentionStore.
func (s *Store) Expired(ctx context.Context, id quire.ProjectID, before time.Time, keepLast, limit int) ([]quire.ExecutionID, error) {
	ids, err := column[quire.ExecutionID](ctx, s.reader, `SELECT id FROM executions
		WHERE project_id = ? AND finished_at > 0 AND finished_at < ? AND `+ended+` ORDER BY finished_at LIMIT ?`, id, moment{&before}, limit)
	if err == nil && keepLast >= 0 && len(ids) == 0 {
		ids, err = column[quire.ExecutionID](ctx, s.reader, `SELECT id FROM executions
			WHERE project_id = ? AND finished_at > 0 AND `+ended+` ORDER BY finished_at DESC, seq DESC LIMIT ? OFFSET ?`, id, limit, keepLast)
	}
	if err != nil {
		return nil, fmt.Errorf("list expired executions: %w", err)
	}
	return ids, nil
}

// RemoveExecutions implements service.RetentionStore.
func (s *Store) RemoveExecutions(ctx context.Context, ids []quire.ExecutionID) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			gone, err := tx.ExecContext(ctx, "DELETE FROM executions WHERE id = ? AND "+ended, id)
			if err != nil {
				return err
			}
			n, err := gone.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				continue // it is gone already, or has not ended
			}
			for _, query := range []string{
				"DELETE FROM operations WHERE id = ? AND done = 1",
				"INSERT INTO removed_executions (id) VALUES (?)",
			} {
				if _, err := tx.ExecContext(ctx, query, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove executions: %w", err)
	}
	return nil
}

// Removed implements service.RetentionStore.
func (s *Store) Removed(ctx context.Context) ([]quire.ExecutionID, error) {
	ids, err := column[quire.ExecutionID](ctx, s.reader, "SELECT id FROM removed_executions")
	if err != nil {
		return nil, fmt.Errorf("list removed executions: %w", err)
	}
	return ids, nil
}

// ForgetRemoved implements service.RetentionStore.
func (s *Store) ForgetRemoved(ctx context.Context, ids []quire.ExecutionID) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, "DELETE FROM removed_executions WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget removed executions: %w", err)
	}
	return nil
}

// RemoveOperations implements service.RetentionStore.
func (s *Store) RemoveOperations(ctx context.Context, before time.Time, limit int) (int, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		gone, err := tx.ExecContext(ctx, `DELETE FROM operations WHERE id IN (
			SELECT id FROM operations WHERE done = 1 AND kind != 'execute' AND modified_at < ? ORDER BY modified_at LIMIT ?)`,
			moment{&before}, limit)
		if err != nil {
			return err
		}
		n, err = gone.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove operations: %w", err)
	}
	return int(n), nil
}
