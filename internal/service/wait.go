package service

import (
	"context"
	"time"

	"quire"
)

// maxWait bounds one call of Wait: a client that wants more calls again.
const maxWait = 10 * time.Minute

// Wait returns the execution as soon as it has ended, or as it is after
// timeout. That may be 0.
func (s *Service) Wait(ctx context.Context, id quire.ExecutionID, timeout time.Duration) (quire.Execution, error) {
	if timeout < 0 || timeout > maxWait {
		return quire.Execution{}, quire.Invalid("timeout", "must be from 0s to %s", maxWait)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		deleted := s.deleted.heard() // before the look, as in tellEvents
		_, live, changed := s.dispatcher.Journal(id)
		if p, ok := s.dispatcher.Live(id); !live || !ok || p.State.Ended() {
			e, err := s.store.Execution(ctx, id)
			if err != nil || e.State.Ended() {
				return e, err
			}
		}
		select {
		case <-ctx.Done():
			return quire.Execution{}, ctx.Err()
		case <-timer.C:
			return s.Execution(ctx, id)
		case <-changed:
		case <-deleted:
		}
	}
}
