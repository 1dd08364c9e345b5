package service

import (
	"cmp"
	"context"
	"fmt"

	"quire"
	"quire/internal/crash"
)

var projectFields = []field[quire.Project]{
	{"name", func(dst, src *quire.Project) { dst.Name = src.Name }},
	{"description", func(dst, src *quire.Project) { dst.Description = src.Description }},
	{"labels", func(dst, src *quire.Project) { dst.Labels = src.Labels }},
	{"settings.service_account_id", func(dst, src *quire.Project) { dst.Settings.ServiceAccountID = src.Settings.ServiceAccountID }},
	{"settings.subnet_id", func(dst, src *quire.Project) { dst.Settings.SubnetID = src.Settings.SubnetID }},
	{"settings.data_proc_cluster_id", func(dst, src *quire.Project) { dst.Settings.DataProcClusterID = src.Settings.DataProcClusterID }},
	{"settings.security_group_ids", func(dst, src *quire.Project) { dst.Settings.SecurityGroupIDs = src.Settings.SecurityGroupIDs }},
	{"settings.early_access", func(dst, src *quire.Project) { dst.Settings.EarlyAccess = src.Settings.EarlyAccess }},
	{"settings.ide", func(dst, src *quire.Project) { dst.Settings.IDE = src.Settings.IDE }},
	{"settings.default_folder_id", func(dst, src *quire.Project) { dst.Settings.DefaultFolderID = src.Settings.DefaultFolderID }},
	{"settings.stale_exec_timeout_mode", func(dst, src *quire.Project) { dst.Settings.StaleTimeout = src.Settings.StaleTimeout }},
	{"settings.vm_inactivity_timeout", func(dst, src *quire.Project) { dst.Settings.VMInactivityTimeout = src.Settings.VMInactivityTimeout }},
	{"settings.default_dedicated_spec", func(dst, src *quire.Project) { dst.Settings.DefaultSpec = src.Settings.DefaultSpec }},
	{"limits.max_units_per_hour", func(dst, src *quire.Project) { dst.Limits.MaxUnitsPerHour = src.Limits.MaxUnitsPerHour }},
	{"limits.max_units_per_execution", func(dst, src *quire.Project) { dst.Limits.MaxUnitsPerExecution = src.Limits.MaxUnitsPerExecution }},
}

// CreateProject creates a project with the fields that a client can set, and
// its empty storage. Without a name it is called by its id.
func (s *Service) CreateProject(ctx context.Context, call Call, p quire.Project) (quire.Operation, error) {
	if err := s.checkProject(p); err != nil {
		return quire.Operation{}, err
	}
	if _, err := s.store.Community(ctx, p.CommunityID); err != nil {
		return quire.Operation{}, atField("community_id", err)
	}
	p.ID = quire.ProjectID(quire.NewID())
	p.Name = cmp.Or(p.Name, string(p.ID))
	p.CreatedBy = call.Caller
	p.CreatedAt = s.now().UTC()

	op := s.operation(call, quire.OpCreateProject, "Create project")
	op.CommunityID, op.ProjectID = p.CommunityID, p.ID
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.storeProject(ctx, p, op)
	})
}

// storeProject makes the project's storage first: a project that can be seen
// can be used.
func (s *Service) storeProject(ctx context.Context, p quire.Project, op quire.Operation) (quire.Operation, error) {
	if err := s.files.CreateProject(ctx, p.ID); err != nil {
		return quire.Operation{}, fmt.Errorf("create project storage: %w", err)
	}
	crash.At(crash.ProjectFolder)
	stored, err := s.store.CreateProject(ctx, p, op)
	if err == nil && stored.ID == op.ID {
		return stored, nil
	}
	// Where ctx has cut off the answer the project may be there all the same.
	ctx = context.WithoutCancel(ctx)
	if _, found := s.store.Project(ctx, p.ID); quire.CodeOf(found) == quire.NotFound {
		if err := s.files.RemoveProject(ctx, p.ID); err != nil {
			s.log.WarnContext(ctx, "storage of a project that was not created is left over", "project_id", p.ID, "error", err)
		}
	}
	return stored, err
}

// Project returns a project.
func (s *Service) Project(ctx context.Context, id quire.ProjectID) (quire.Project, error) {
	return s.store.Project(ctx, id)
}

// Projects returns a page of a community's projects, oldest first, and the
// token of the next one, empty at the end.
func (s *Service) Projects(ctx context.Context, f quire.ProjectFilter) ([]quire.Project, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if f.CommunityID != "" {
		if _, err := s.store.Community(ctx, f.CommunityID); err != nil {
			return nil, "", atField("community_id", err)
		}
	}
	return s.store.Projects(ctx, f)
}

// UpdateProject takes over from patch, whose ID says which project is meant,
// the fields that mask names; all of them where it names none.
func (s *Service) UpdateProject(ctx context.Context, call Call, patch quire.Project, mask []string) (quire.Operation, error) {
	if err := checkMask(projectFields, mask); err != nil {
		return quire.Operation{}, err
	}
	// Only what the client sends is checked: a spec that the catalogue has lost
	// since must not stand in the way of a new description.
	var named quire.Project
	merge(projectFields, &named, &patch, mask)
	if err := s.checkProject(named); err != nil {
		return quire.Operation{}, err
	}
	return s.changeProject(ctx, call, patch.ID, func(p *quire.Project) error {
		merge(projectFields, p, &patch, mask)
		p.Name = cmp.Or(p.Name, string(p.ID))
		return nil
	})
}

func (s *Service) changeProject(ctx context.Context, call Call, id quire.ProjectID, change func(*quire.Project) error) (quire.Operation, error) {
	op := s.operation(call, quire.OpUpdateProject, "Update project")
	op.ProjectID = id
	return s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.UpdateProject(ctx, id, op, change)
	})
}

// DeleteProject hides a project at once. Its operation is done when Run has
// ended the project's executions and removed all that it held.
func (s *Service) DeleteProject(ctx context.Context, call Call, id quire.ProjectID) (quire.Operation, error) {
	op := s.operation(call, quire.OpDeleteProject, "Delete project")
	op.ProjectID = id
	op, err := s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.DeleteProject(ctx, id, op)
	})
	if err != nil {
		return quire.Operation{}, err
	}
	s.deleted.ring()
	return op, nil
}
