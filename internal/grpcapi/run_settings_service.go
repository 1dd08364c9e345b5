package grpcapi

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/durationpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// runSettings is Quire's RunSettingsService.
type runSettings struct {
	quirev1.UnimplementedRunSettingsServiceServer
	service *service.Service
}

func (r *runSettings) Get(ctx context.Context, req *quirev1.GetRunSettingsRequest) (*quirev1.RunSettings, error) {
	settings, err := r.service.RunSettings(ctx, quire.ProjectID(req.GetProjectId()))
	if err != nil {
		return nil, err
	}
	return runSettingsProto(settings), nil
}

func (r *runSettings) Update(ctx context.Context, req *quirev1.UpdateRunSettingsRequest) (*quirev1.RunSettings, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	patch, err := runSettingsOf(req.GetRunSettings())
	if err != nil {
		return nil, err
	}
	settings, err := r.service.UpdateRunSettings(ctx, call, quire.ProjectID(req.GetProjectId()), patch, req.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	return runSettingsProto(settings), nil
}

func runSettingsProto(r quire.RunSettings) *quirev1.RunSettings {
	m := &quirev1.RunSettings{
		MaxCellOutput:    r.MaxCellOutput,
		MaxOutput:        r.MaxOutput,
		MaxVariableBytes: r.MaxVariableBytes,
		MaxVariableRows:  int32(r.MaxVariableRows),
	}
	if r.CellTimeout != 0 {
		m.CellTimeout = durationpb.New(r.CellTimeout)
	}
	if r.RunTimeout != 0 {
		m.RunTimeout = durationpb.New(r.RunTimeout)
	}
	if r.InterruptGrace != 0 {
		m.InterruptGrace = durationpb.New(r.InterruptGrace)
	}
	return m
}

func runSettingsOf(m *quirev1.RunSettings) (quire.RunSettings, error) {
	cell, err1 := durationOf("run_settings.cell_timeout", m.GetCellTimeout())
	run, err2 := durationOf("run_settings.run_timeout", m.GetRunTimeout())
	grace, err3 := durationOf("run_settings.interrupt_grace", m.GetInterruptGrace())
	return quire.RunSettings{
		CellTimeout:      cell,
		RunTimeout:       run,
		InterruptGrace:   grace,
		MaxCellOutput:    m.GetMaxCellOutput(),
		MaxOutput:        m.GetMaxOutput(),
		MaxVariableBytes: m.GetMaxVariableBytes(),
		MaxVariableRows:  int(m.GetMaxVariableRows()),
	}, errors.Join(err1, err2, err3)
}
