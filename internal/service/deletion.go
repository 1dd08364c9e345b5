package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"quire"
	"quire/internal/crash"
)

// purgeRetry is the time from a deletion that failed to the next attempt.
const purgeRetry = 10 * time.Second

// Run finishes the deletions of projects, those included that an earlier
// server began, removes what has expired, fires schedules and
// sends notices. It returns nil
// after ctx has ended; what is not finished by then is taken up by the next
// Run. It must not run twice at a time.
func (s *Service) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer s.stopped.ring()
	tasks.Go(func() { s.expireUntilDone(ctx) })
	tasks.Go(func() { s.fireUntilDone(ctx) })
	if s.sender != nil {
		tasks.Go(func() { s.notifyUntilDone(ctx) })
	}
	begun := map[quire.ProjectID]bool{}
	for {
		var retry <-chan time.Time
		deleted := s.deleted.heard()
		ids, err := s.deletions.DeletedProjects(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "deleted projects are not known", "error", err)
			retry = time.After(purgeRetry)
		} else {
			maps.DeleteFunc(begun, func(id quire.ProjectID, _ bool) bool { return !slices.Contains(ids, id) })
		}
		for _, id := range ids {
			if !begun[id] {
				begun[id] = true
				tasks.Go(func() { s.purgeUntilDone(ctx, id) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-deleted:
		case <-retry:
		}
	}
}

func (s *Service) purgeUntilDone(ctx context.Context, id quire.ProjectID) {
	for {
		err := s.purge(ctx, id)
		if err == nil {
			s.log.InfoContext(ctx, "project deleted", "project_id", id)
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.log.ErrorContext(ctx, "project is not deleted yet", "project_id", id, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(purgeRetry):
		}
	}
}

// purge removes a project from the outside in: its rows go last, for they are
// how a later server knows what is left to do.
func (s *Service) purge(ctx context.Context, id quire.ProjectID) error {
	crash.At(crash.PurgeBegin)
	running, err := s.deletions.ProjectExecutions(ctx, id, false)
	if err != nil {
		return err
	}
	for _, execution := range running {
		s.dispatcher.Cancel(execution)
	}
	for _, execution := range running {
		if err := s.awaitEnd(ctx, id, execution); err != nil {
			return err
		}
	}
	crash.At(crash.PurgeEnded)
	if err := s.files.RemoveProject(ctx, id); err != nil {
		return fmt.Errorf("remove project storage: %w", err)
	}
	crash.At(crash.PurgeFiles)
	ended, err := s.deletions.ProjectExecutions(ctx, id, true)
	if err != nil {
		return err
	}
	var errs []error
	for _, execution := range ended {
		errs = append(errs, s.archive.Remove(ctx, execution))
		crash.At(crash.PurgeFolder)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove executions: %w", err)
	}
	crash.At(crash.PurgeFolders)
	if err := s.deletions.PurgeProject(ctx, id); err != nil {
		return err
	}
	crash.At(crash.PurgeStored)
	return nil
}

// awaitEnd returns nil after an execution of a deleted project has ended and
// the dispatcher has let go of it.
func (s *Service) awaitEnd(ctx context.Context, project quire.ProjectID, id quire.ExecutionID) error {
	for {
		_, live, changed := s.dispatcher.Journal(id)
		if !live {
			running, err := s.deletions.ProjectExecutions(ctx, project, false)
			if err != nil || !slices.Contains(running, id) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
