package service

import (
	"cmp"
	"context"

	"quire"
)

var communityFields = []field[quire.Community]{
	{"name", func(dst, src *quire.Community) { dst.Name = src.Name }},
	{"description", func(dst, src *quire.Community) { dst.Description = src.Description }},
	{"labels", func(dst, src *quire.Community) { dst.Labels = src.Labels }},
}

// CreateCommunity creates a community with the fields that a client can set.
// Without a name it is called by its id.
func (s *Service) CreateCommunity(ctx context.Context, call Call, c quire.Community) (quire.Operation, error) {
	if err := checkCommunity(c); err != nil {
		return quire.Operation{}, err
	}
	c.ID = quire.CommunityID(quire.NewID())
	c.Name = cmp.Or(c.Name, string(c.ID))
	c.CreatedBy = call.Caller
	c.CreatedAt = s.now().UTC()

	op := s.operation(call, quire.OpCreateCommunity, "Create community")
	op.CommunityID = c.ID
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.CreateCommunity(ctx, c, op)
	})
}

// Community returns a community.
func (s *Service) Community(ctx context.Context, id quire.CommunityID) (quire.Community, error) {
	return s.store.Community(ctx, id)
}

// Communities returns a page of communities, oldest first, and the token of
// the next one, empty at the end.
func (s *Service) Communities(ctx context.Context, f quire.CommunityFilter) ([]quire.Community, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	return s.store.Communities(ctx, f)
}

// UpdateCommunity takes over from patch, whose ID says which community is
// meant, the fields that mask names; all of them where it names none.
func (s *Service) UpdateCommunity(ctx context.Context, call Call, patch quire.Community, mask []string) (quire.Operation, error) {
	if err := checkMask(communityFields, mask); err != nil {
		return quire.Operation{}, err
	}
	var named quire.Community
	merge(communityFields, &named, &patch, mask)
	if err := checkCommunity(named); err != nil {
		return quire.Operation{}, err
	}
	op := s.operation(call, quire.OpUpdateCommunity, "Update community")
	op.CommunityID = patch.ID
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.UpdateCommunity(ctx, patch.ID, op, func(c *quire.Community) error {
			merge(communityFields, c, &patch, mask)
			c.Name = cmp.Or(c.Name, string(c.ID))
			return nil
		})
	})
}

// DeleteCommunity deletes a community that has no projects.
func (s *Service) DeleteCommunity(ctx context.Context, call Call, id quire.CommunityID) (quire.Operation, error) {
	op := s.operation(call, quire.OpDeleteCommunity, "Delete community")
	op.CommunityID = id
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.DeleteCommunity(ctx, id, op)
	})
}
