package service

import (
	"context"
	"fmt"
)

// Sweep removes the folders that an earlier server made for projects and
// executions which it then died before storing. It must run before the service
// is called: a folder that is just being made has no row yet.
func (s *Service) Sweep(ctx context.Context) error {
	projects, err := s.files.Sweep(ctx, s.deletions.HasProject)
	if err != nil {
		return fmt.Errorf("sweep projects: %w", err)
	}
	executions, err := s.archive.Sweep(ctx, s.deletions.HasExecution)
	if err != nil {
		return fmt.Errorf("sweep executions: %w", err)
	}
	if projects+executions > 0 {
		s.log.InfoContext(ctx, "folders of what was never accepted are removed", "projects", projects, "executions", executions)
	}
	return nil
}
