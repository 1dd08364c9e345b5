package sqlite

import (
	"context"
	"fmt"

	"quire"
)

// CancelledQueued implements dispatch.Store; the oldest come first.
func (s *Store) CancelledQueued(ctx context.Context) ([]quire.ExecutionID, error) {
	ids, err := column[quire.ExecutionID](ctx, s.reader,
		"SELECT id FROM executions WHERE state = 'QUEUED' AND cancel_requested_at != 0 ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("list cancelled executions: %w", err)
	}
	return ids, nil
}

// HasProject implements service.DeletionStore.
func (s *Store) HasProject(ctx context.Context, id quire.ProjectID) (bool, error) {
	return s.has(ctx, "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ?)", string(id))
}

// HasExecution implements service.DeletionStore.
func (s *Store) HasExecution(ctx context.Context, id quire.ExecutionID) (bool, error) {
	return s.has(ctx, "SELECT EXISTS (SELECT 1 FROM executions WHERE id = ?)", string(id))
}

func (s *Store) has(ctx context.Context, query, id string) (bool, error) {
	var there bool
	if err := s.reader.QueryRowContext(ctx, query, id).Scan(&there); err != nil {
		return false, fmt.Errorf("look for a row: %w", err)
	}
	return there, nil
}
