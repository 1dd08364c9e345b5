package grpcapi

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"quire"
)

// The names of enumerators that stand for "not set".
const (
	unsetIDE   = datasphere.Project_Settings_IDE_UNSPECIFIED
	unsetStale = datasphere.Project_Settings_STALE_EXECUTION_TIMEOUT_MODE_UNSPECIFIED
)

func communityProto(c quire.Community) *datasphere.Community {
	return &datasphere.Community{
		Id:             string(c.ID),
		CreatedAt:      timeProto(c.CreatedAt),
		Name:           c.Name,
		Description:    c.Description,
		Labels:         c.Labels,
		CreatedById:    c.CreatedBy,
		OrganizationId: c.OrganizationID,
		ZoneId:         c.ZoneID,
	}
}

func projectProto(p quire.Project) *datasphere.Project {
	return &datasphere.Project{
		Id:          string(p.ID),
		CreatedAt:   timeProto(p.CreatedAt),
		Name:        p.Name,
		Description: p.Description,
		Labels:      p.Labels,
		CreatedById: p.CreatedBy,
		Settings:    settingsProto(p.Settings),
		Limits: &datasphere.Project_Limits{
			MaxUnitsPerHour:      unitsProto(p.Limits.MaxUnitsPerHour),
			MaxUnitsPerExecution: unitsProto(p.Limits.MaxUnitsPerExecution),
		},
		CommunityId: string(p.CommunityID),
	}
}

func settingsProto(s quire.ProjectSettings) *datasphere.Project_Settings {
	m := &datasphere.Project_Settings{
		ServiceAccountId:  s.ServiceAccountID,
		SubnetId:          s.SubnetID,
		DataProcClusterId: s.DataProcClusterID,
		SecurityGroupIds:  s.SecurityGroupIDs,
		EarlyAccess:       s.EarlyAccess,
		Ide:               datasphere.Project_Settings_Ide(datasphere.Project_Settings_Ide_value[s.IDE]),
		DefaultFolderId:   s.DefaultFolderID,
		StaleExecTimeoutMode: datasphere.Project_Settings_StaleExecutionTimeoutMode(
			datasphere.Project_Settings_StaleExecutionTimeoutMode_value[string(s.StaleTimeout)]),
		DefaultDedicatedSpec: s.DefaultSpec,
	}
	if s.VMInactivityTimeout != 0 {
		m.VmInactivityTimeout = durationpb.New(s.VMInactivityTimeout)
	}
	return m
}

func unitsProto(n *int64) *wrapperspb.Int64Value {
	if n == nil {
		return nil
	}
	return wrapperspb.Int64(*n)
}

// settingsOf reads a project's settings and limits; either may be nil.
func settingsOf(m *datasphere.Project_Settings, l *datasphere.Project_Limits) (quire.ProjectSettings, quire.ProjectLimits, error) {
	s := quire.ProjectSettings{
		ServiceAccountID:  m.GetServiceAccountId(),
		SubnetID:          m.GetSubnetId(),
		DataProcClusterID: m.GetDataProcClusterId(),
		SecurityGroupIDs:  m.GetSecurityGroupIds(),
		EarlyAccess:       m.GetEarlyAccess(),
		DefaultFolderID:   m.GetDefaultFolderId(),
		DefaultSpec:       m.GetDefaultDedicatedSpec(),
	}
	limits := quire.ProjectLimits{
		MaxUnitsPerHour:      unitsOf(l.GetMaxUnitsPerHour()),
		MaxUnitsPerExecution: unitsOf(l.GetMaxUnitsPerExecution()),
	}
	if ide := m.GetIde(); ide != unsetIDE {
		name, ok := datasphere.Project_Settings_Ide_name[int32(ide)]
		if !ok {
			return s, limits, quire.Invalid("settings.ide", "%d is no IDE that is known", ide)
		}
		s.IDE = name
	}
	if mode := m.GetStaleExecTimeoutMode(); mode != unsetStale {
		name, ok := datasphere.Project_Settings_StaleExecutionTimeoutMode_name[int32(mode)]
		if !ok {
			return s, limits, quire.Invalid("settings.stale_exec_timeout_mode", "%d is no mode that is known", mode)
		}
		s.StaleTimeout = quire.StaleTimeout(name)
	}
	var err error
	s.VMInactivityTimeout, err = durationOf("settings.vm_inactivity_timeout", m.GetVmInactivityTimeout())
	return s, limits, err
}

func unitsOf(n *wrapperspb.Int64Value) *int64 {
	if n == nil {
		return nil
	}
	return new(n.GetValue())
}
