package grpcapi

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"quire"
	"quire/internal/service"
)

// communities is DataSphere's CommunityService.
type communities struct {
	datasphere.UnimplementedCommunityServiceServer
	service *service.Service
}

func (c *communities) Create(ctx context.Context, req *datasphere.CreateCommunityRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	op, err := c.service.CreateCommunity(ctx, call, quire.Community{
		Name:           req.GetName(),
		Description:    req.GetDescription(),
		Labels:         req.GetLabels(),
		OrganizationID: req.GetOrganizationId(),
		ZoneID:         req.GetZoneId(),
	})
	return begun(op, err)
}

func (c *communities) Get(ctx context.Context, req *datasphere.GetCommunityRequest) (*datasphere.Community, error) {
	community, err := c.service.Community(ctx, quire.CommunityID(req.GetCommunityId()))
	if err != nil {
		return nil, err
	}
	return communityProto(community), nil
}

// List returns communities of every organization: Quire has none, and the id
// that a client must send would hide the community default.
func (c *communities) List(ctx context.Context, req *datasphere.ListCommunitiesRequest) (*datasphere.ListCommunitiesResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if req.GetListPublic() {
		return &datasphere.ListCommunitiesResponse{}, nil // none can be seen without a token
	}
	found, next, err := c.service.Communities(ctx, quire.CommunityFilter{
		Pattern:   req.GetNameOrDescriptionPattern(),
		CreatedBy: req.GetOwnedById(),
		Page:      page,
	})
	if err != nil {
		return nil, err
	}
	return &datasphere.ListCommunitiesResponse{Communities: mapped(found, communityProto), NextPageToken: next}, nil
}

func (c *communities) Update(ctx context.Context, req *datasphere.UpdateCommunityRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	op, err := c.service.UpdateCommunity(ctx, call, quire.Community{
		ID:          quire.CommunityID(req.GetCommunityId()),
		Name:        req.GetName(),
		Description: req.GetDescription(),
		Labels:      req.GetLabels(),
	}, req.GetUpdateMask().GetPaths())
	return begun(op, err)
}

func (c *communities) Delete(ctx context.Context, req *datasphere.DeleteCommunityRequest) (*operation.Operation, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	op, err := c.service.DeleteCommunity(ctx, call, quire.CommunityID(req.GetCommunityId()))
	return begun(op, err)
}
