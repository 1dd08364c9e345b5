package service

import (
	"context"
	"time"

	"quire"
)

// terms returns what an execution on spec may use and cost in the project as
// it is now. It refuses with FailedPrecondition what could not run for even a
// second.
func (s *Service) terms(ctx context.Context, p quire.Project, spec quire.Spec) (quire.Terms, error) {
	balance, err := s.store.UnitBalance(ctx, p.ID)
	if err != nil {
		return quire.Terms{}, err
	}
	if balance != nil && *balance <= 0 {
		return quire.Terms{}, quire.Errorf(quire.FailedPrecondition, "project %q has no units left: its balance is %d", p.ID, *balance)
	}
	price := int64(spec.UnitsPerSecond)
	if most := p.Limits.MaxUnitsPerHour; most != nil && price*3600 > *most {
		return quire.Terms{}, tooDear("the spec %s costs %d units an hour, and the project's max_units_per_hour is %d", spec.Name, price*3600, *most)
	}
	policy := s.policyOf(p)
	t := quire.Terms{
		Spec: spec, StaleAfter: staleAfter(p.Settings.StaleTimeout), MaxAttempts: policy.MaxAttempts, NoLearning: policy.NoLearning,
	}
	if most := p.Limits.MaxUnitsPerExecution; most != nil {
		if price > *most {
			return quire.Terms{}, tooDear("the spec %s costs %d units a second, and the project's max_units_per_execution is %d", spec.Name, price, *most)
		}
		t.MaxUnits = *most
	}
	return t, nil
}

func tooDear(format string, args ...any) error {
	err := quire.Errorf(quire.FailedPrecondition, format, args...)
	err.Field = "spec"
	return err
}

func staleAfter(t quire.StaleTimeout) time.Duration {
	switch t {
	case quire.StaleOneHour:
		return time.Hour
	case quire.StaleThreeHours:
		return 3 * time.Hour
	case quire.StaleNever:
	}
	return 0
}

// policyOf returns the policy that is in force for a project.
func (s *Service) policyOf(p quire.Project) quire.Policy { return p.Policy.Or(s.policy) }

// queueLimits returns how many executions may wait.
func (s *Service) queueLimits(p quire.Project) QueueLimits {
	return QueueLimits{Project: max(s.policyOf(p).MaxQueued, 0), Server: max(s.maxQueued, 0)}
}
