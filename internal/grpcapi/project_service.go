package grpcapi

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"quire"
	"quire/internal/service"
)

// projects is DataSphere's ProjectService.
type projects struct {
	datasphere.UnimplementedProjectServiceServer
	service *service.Service
}

func (p *projects) Create(ctx context.Context, req *datasphere.CreateProjectRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	settings, limits, err := settingsOf(req.GetSettings(), req.GetLimits())
	if err != nil {
		return nil, err
	}
	op, err := p.service.CreateProject(ctx, call, quire.Project{
		CommunityID: quire.CommunityID(req.GetCommunityId()),
		Name:        req.GetName(),
		Description: req.GetDescription(),
		Labels:      req.GetLabels(),
		Settings:    settings,
		Limits:      limits,
	})
	return begun(op, err)
}

func (p *projects) Get(ctx context.Context, req *datasphere.GetProjectRequest) (*datasphere.Project, error) {
	project, err := p.service.Project(ctx, quire.ProjectID(req.GetProjectId()))
	if err != nil {
		return nil, err
	}
	return projectProto(project), nil
}

func (p *projects) List(ctx context.Context, req *datasphere.ListProjectsRequest) (*datasphere.ListProjectsResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := p.service.Projects(ctx, quire.ProjectFilter{
		CommunityID: quire.CommunityID(req.GetCommunityId()),
		NamePattern: req.GetProjectNamePattern(),
		CreatedBy:   req.GetOwnedById(),
		Page:        page,
	})
	if err != nil {
		return nil, err
	}
	return &datasphere.ListProjectsResponse{Projects: mapped(found, projectProto), NextPageToken: next}, nil
}

func (p *projects) Update(ctx context.Context, req *datasphere.UpdateProjectRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	settings, limits, err := settingsOf(req.GetSettings(), req.GetLimits())
	if err != nil {
		return nil, err
	}
	op, err := p.service.UpdateProject(ctx, call, quire.Project{
		ID:          quire.ProjectID(req.GetProjectId()),
		Name:        req.GetName(),
		Description: req.GetDescription(),
		Labels:      req.GetLabels(),
		Settings:    settings,
		Limits:      limits,
	}, req.GetUpdateMask().GetPaths())
	return begun(op, err)
}

func (p *projects) Delete(ctx context.Context, req *datasphere.DeleteProjectRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	op, err := p.service.DeleteProject(ctx, call, quire.ProjectID(req.GetProjectId()))
	return begun(op, err)
}

func (p *projects) Execute(ctx context.Context, req *datasphere.ProjectExecutionRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	priority, err := priorityOf(ctx)
	if err != nil {
		return nil, err
	}
	inputs, err := inputsOf(req.GetInputVariables())
	if err != nil {
		return nil, err
	}
	target, byCell := req.GetNotebookId(), false
	if given, ok := req.GetTarget().(*datasphere.ProjectExecutionRequest_CellId); ok {
		target, byCell = given.CellId, true //nolint:staticcheck // deprecated by DataSphere, and in use
	}
	op, err := p.service.Execute(ctx, call, service.ExecuteRequest{
		ProjectID:        quire.ProjectID(req.GetProjectId()),
		Target:           target,
		ByCell:           byCell,
		Inputs:           inputs,
		OutputNames:      req.GetOutputVariableNames(),
		Spec:             req.GetSpec(),
		SparkConnectorID: req.GetSparkConnectorId(),
		Priority:         priority,
	})
	return begun(op, err)
}

func (p *projects) GetUnitBalance(ctx context.Context, req *datasphere.GetUnitBalanceRequest) (*datasphere.GetUnitBalanceResponse, error) {
	balance, err := p.service.UnitBalance(ctx, quire.ProjectID(req.GetProjectId()))
	if err != nil {
		return nil, err
	}
	return &datasphere.GetUnitBalanceResponse{UnitBalance: unitsProto(balance)}, nil
}

// SetUnitBalance without a balance lifts the limit.
func (p *projects) SetUnitBalance(ctx context.Context, req *datasphere.SetUnitBalanceRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	op, err := p.service.SetUnitBalance(ctx, call, quire.ProjectID(req.GetProjectId()), unitsOf(req.GetUnitBalance()))
	return begun(op, err)
}
