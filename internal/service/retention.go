package service

import (
	"context"
	"time"

	"quire"
)

const (
	sweepBatch = 100 // executions or operations that one transaction removes

	// keepOperations is how long an operation that belongs to no execution can
	// be asked for after its end. That of an execution goes with the execution.
	keepOperations = 30 * 24 * time.Hour
)

// sweepUntilDone removes what has expired, at once and then again and again
// until ctx ends.
func (s *Service) sweepUntilDone(ctx context.Context) {
	ticker := time.NewTicker(s.sweep)
	defer ticker.Stop()
	left := map[quire.ExecutionID]bool{}
	for {
		if err := s.sweepAll(ctx, left); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "expired executions are not all removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweepAll removes what has expired by now. Folders that resist stay in left,
// for the next time; a server that starts removes those that have no row.
func (s *Service) sweepAll(ctx context.Context, left map[quire.ExecutionID]bool) error {
	s.removeFolders(ctx, left)
	f := quire.ProjectFilter{Page: quire.Page{Size: quire.MaxPageSize}}
	for {
		page, next, err := s.store.Projects(ctx, f)
		if err != nil {
			return err
		}
		for _, p := range page {
			if err := s.sweepProject(ctx, p, left); err != nil {
				return err
			}
		}
		if f.Page.Token = next; next == "" {
			break
		}
	}
	for {
		n, err := s.store.RemoveOperations(ctx, s.now().Add(-keepOperations), sweepBatch)
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

func (s *Service) sweepProject(ctx context.Context, p quire.Project, left map[quire.ExecutionID]bool) error {
	policy := s.policyOf(p)
	var before time.Time // nothing ended before that
	if policy.KeepFor > 0 {
		before = s.now().Add(-policy.KeepFor)
	} else if policy.KeepLast < 0 {
		return nil
	}
	removed := 0
	for {
		ids, err := s.store.Expired(ctx, p.ID, before, policy.KeepLast, sweepBatch)
		if err != nil {
			return err
		}
		// The dispatcher may not have let go of one that has just ended.
		gone := s.idle(ids)
		if len(gone) == 0 {
			break
		}
		// The rows go first: what can be seen is whole.
		if err := s.store.RemoveExecutions(ctx, gone); err != nil {
			return err
		}
		removed += len(gone)
		for _, id := range gone {
			left[id] = true
		}
		s.removeFolders(ctx, left)
	}
	if removed > 0 {
		s.log.InfoContext(ctx, "executions expired", "project_id", p.ID, "removed", removed)
	}
	return nil
}

// idle returns those of the executions that nobody attends to.
func (s *Service) idle(ids []quire.ExecutionID) []quire.ExecutionID {
	var idle []quire.ExecutionID
	for _, id := range ids {
		if _, live := s.dispatcher.Live(id); !live {
			idle = append(idle, id)
		}
	}
	return idle
}

func (s *Service) removeFolders(ctx context.Context, left map[quire.ExecutionID]bool) {
	for id := range left {
		if err := s.archive.Remove(ctx, id); err == nil {
			delete(left, id)
		} else if ctx.Err() == nil {
			s.log.WarnContext(ctx, "folder of an expired execution is left over", "execution_id", id, "error", err)
		}
	}
}
