package service

import (
	"context"
	"time"

	"quire"
	"quire/internal/crash"
)

const (
	expireBatch = 100 // executions or operations that one transaction removes

	// keepOperations is how long an operation that belongs to no execution can
	// be asked for after its end. That of an execution goes with the execution.
	keepOperations = 30 * 24 * time.Hour
)

// expireUntilDone removes what has expired, at once and then again and again
// until ctx ends.
func (s *Service) expireUntilDone(ctx context.Context) {
	ticker := time.NewTicker(s.expiry)
	defer ticker.Stop()
	for {
		if err := s.expireAll(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "expired executions are not all removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// expireAll removes what has expired by now, and the folders that were left
// before.
func (s *Service) expireAll(ctx context.Context) error {
	if err := s.removeFolders(ctx); err != nil {
		return err
	}
	f := quire.ProjectFilter{Page: quire.Page{Size: quire.MaxPageSize}}
	for {
		page, next, err := s.store.Projects(ctx, f)
		if err != nil {
			return err
		}
		for _, p := range page {
			if err := s.expireProject(ctx, p); err != nil {
				return err
			}
		}
		if f.Page.Token = next; next == "" {
			break
		}
	}
	for {
		n, err := s.store.RemoveDeliveries(ctx, s.now().Add(-keepDeliveries), expireBatch)
		if err != nil {
			return err
		}
		if n < expireBatch {
			break
		}
	}
	for {
		n, err := s.store.RemoveOperations(ctx, s.now().Add(-keepOperations), expireBatch)
		if err != nil || n < expireBatch {
			return err
		}
	}
}

func (s *Service) expireProject(ctx context.Context, p quire.Project) error {
	policy := s.policyOf(p)
	var before time.Time // nothing ended before that
	if policy.KeepFor > 0 {
		before = s.now().Add(-policy.KeepFor)
	} else if policy.KeepLast < 0 {
		return nil
	}
	removed := 0
	for {
		ids, err := s.store.Expired(ctx, p.ID, before, policy.KeepLast, expireBatch)
		if err != nil {
			return err
		}
		// The dispatcher may not have let go of one that has just ended.
		gone := s.idle(ids)
		if len(gone) == 0 {
			break
		}
		// The rows go first: what can be seen is whole. The store keeps in mind
		// which folders are to follow.
		if err := s.store.RemoveExecutions(ctx, gone); err != nil {
			return err
		}
		crash.At(crash.ExpireStored)
		removed += len(gone)
		if err := s.removeFolders(ctx); err != nil {
			return err
		}
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

// removeFolders removes the folders of executions whose rows are gone. One that
// resists is left for the next time.
func (s *Service) removeFolders(ctx context.Context) error {
	ids, err := s.store.Removed(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	var gone []quire.ExecutionID
	for _, id := range ids {
		if err := s.archive.Remove(ctx, id); err != nil {
			if ctx.Err() != nil {
				return err
			}
			s.log.WarnContext(ctx, "folder of an expired execution is left over", "execution_id", id, "error", err)
			continue
		}
		crash.At(crash.ExpireFolder)
		gone = append(gone, id)
	}
	return s.store.ForgetRemoved(ctx, gone)
}
