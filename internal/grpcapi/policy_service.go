package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// policies is Quire's PolicyService.
type policies struct {
	quirev1.UnimplementedPolicyServiceServer
	service *service.Service
}

func (p *policies) Get(ctx context.Context, req *quirev1.GetPolicyRequest) (*quirev1.Policy, error) {
	policy, err := p.service.Policy(ctx, quire.ProjectID(req.GetProjectId()))
	if err != nil {
		return nil, err
	}
	return policyProto(policy), nil
}

func (p *policies) Update(ctx context.Context, req *quirev1.UpdatePolicyRequest) (*quirev1.Policy, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	patch, err := policyOf(req.GetPolicy())
	if err != nil {
		return nil, err
	}
	policy, err := p.service.UpdatePolicy(ctx, call, quire.ProjectID(req.GetProjectId()), patch, req.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	return policyProto(policy), nil
}

func policyProto(p quire.Policy) *quirev1.Policy {
	m := &quirev1.Policy{
		MaxRunning:  int32(p.MaxRunning),
		MaxQueued:   int32(p.MaxQueued),
		Priority:    int32(p.Priority),
		MaxAttempts: int32(p.MaxAttempts),
		KeepLast:    int32(p.KeepLast),
		NoLearning:  p.NoLearning,
	}
	if p.KeepFor != 0 {
		m.KeepFor = durationpb.New(p.KeepFor)
	}
	return m
}

func policyOf(m *quirev1.Policy) (quire.Policy, error) {
	keep, err := durationOf("policy.keep_for", m.GetKeepFor())
	return quire.Policy{
		MaxRunning:  int(m.GetMaxRunning()),
		MaxQueued:   int(m.GetMaxQueued()),
		Priority:    int(m.GetPriority()),
		MaxAttempts: int(m.GetMaxAttempts()),
		KeepFor:     keep,
		KeepLast:    int(m.GetKeepLast()),
		NoLearning:  m.GetNoLearning(),
	}, err
}
