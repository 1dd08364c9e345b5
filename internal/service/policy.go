package service

import (
	"context"

	"quire"
)

var policyFields = []field[quire.Policy]{
	{"max_running", func(dst, src *quire.Policy) { dst.MaxRunning = src.MaxRunning }},
	{"max_queued", func(dst, src *quire.Policy) { dst.MaxQueued = src.MaxQueued }},
	{"priority", func(dst, src *quire.Policy) { dst.Priority = src.Priority }},
	{"max_attempts", func(dst, src *quire.Policy) { dst.MaxAttempts = src.MaxAttempts }},
	{"keep_for", func(dst, src *quire.Policy) { dst.KeepFor = src.KeepFor }},
	{"keep_last", func(dst, src *quire.Policy) { dst.KeepLast = src.KeepLast }},
	{"no_learning", func(dst, src *quire.Policy) { dst.NoLearning = src.NoLearning }},
}

// maxAttempts is the most that a project may ask for: what has failed so often
// fails for a reason.
const maxAttempts = 10

// Policy returns what the project itself sets.
func (s *Service) Policy(ctx context.Context, id quire.ProjectID) (quire.Policy, error) {
	p, err := s.store.Project(ctx, id)
	return p.Policy, err
}

// UpdatePolicy takes over from patch the fields that mask names, all of them
// where it names none, and returns the project's policy afterwards. It holds
// for what is queued already too, but for the number of attempts and the learning.
func (s *Service) UpdatePolicy(ctx context.Context, call Call, id quire.ProjectID, patch quire.Policy, mask []string) (quire.Policy, error) {
	if err := checkMask(policyFields, mask); err != nil {
		return quire.Policy{}, err
	}
	var named quire.Policy
	merge(policyFields, &named, &patch, mask)
	if err := checkPolicy(named); err != nil {
		return quire.Policy{}, err
	}
	_, err := s.changeProject(ctx, call, id, func(p *quire.Project) error {
		merge(policyFields, &p.Policy, &patch, mask)
		return nil
	})
	if err != nil {
		return quire.Policy{}, err
	}
	s.dispatcher.Wake() // what had to wait may be allowed to start now
	return s.Policy(ctx, id)
}

// checkPolicy refuses what no negative number lifts; the other bounds may have
// any value.
func checkPolicy(p quire.Policy) error {
	if err := checkPriority("policy.priority", p.Priority); err != nil {
		return err
	}
	if p.MaxAttempts < 0 || p.MaxAttempts > maxAttempts {
		return quire.Invalid("policy.max_attempts", "must be from 0, which means the server's default, to %d", maxAttempts)
	}
	return nil
}

func checkPriority(field string, priority int) error {
	if priority < quire.MinPriority || priority > quire.MaxPriority {
		return quire.Invalid(field, "must be from %d to %d", quire.MinPriority, quire.MaxPriority)
	}
	return nil
}
