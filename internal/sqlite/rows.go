package sqlite

import (
	"context"
	"fmt"

	"quire"
)

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
