package service

import (
	"context"
	"time"

	"quire"
)

var runSettingsFields = []field[quire.RunSettings]{
	{"cell_timeout", func(dst, src *quire.RunSettings) { dst.CellTimeout = src.CellTimeout }},
	{"run_timeout", func(dst, src *quire.RunSettings) { dst.RunTimeout = src.RunTimeout }},
	{"interrupt_grace", func(dst, src *quire.RunSettings) { dst.InterruptGrace = src.InterruptGrace }},
	{"max_cell_output", func(dst, src *quire.RunSettings) { dst.MaxCellOutput = src.MaxCellOutput }},
	{"max_output", func(dst, src *quire.RunSettings) { dst.MaxOutput = src.MaxOutput }},
	{"max_variable_bytes", func(dst, src *quire.RunSettings) { dst.MaxVariableBytes = src.MaxVariableBytes }},
	{"max_variable_rows", func(dst, src *quire.RunSettings) { dst.MaxVariableRows = src.MaxVariableRows }},
}

// What a project may ask for at most: an operator's machine has to bear it.
const (
	maxInterruptGrace = 10 * time.Minute
	maxOutput         = 4 << 30
	maxVariableBytes  = 64 << 20
	maxVariableRows   = 1_000_000
)

// RunSettings returns what the project itself sets.
func (s *Service) RunSettings(ctx context.Context, id quire.ProjectID) (quire.RunSettings, error) {
	p, err := s.store.Project(ctx, id)
	return p.Run, err
}

// UpdateRunSettings takes over from patch the fields that mask names, all of
// them where it names none, and returns the project's settings afterwards.
func (s *Service) UpdateRunSettings(ctx context.Context, call Call, id quire.ProjectID, patch quire.RunSettings, mask []string) (quire.RunSettings, error) {
	if err := checkMask(runSettingsFields, mask); err != nil {
		return quire.RunSettings{}, err
	}
	var named quire.RunSettings
	merge(runSettingsFields, &named, &patch, mask)
	if err := checkRunSettings(named); err != nil {
		return quire.RunSettings{}, err
	}
	_, err := s.changeProject(ctx, call, id, func(p *quire.Project) error {
		merge(runSettingsFields, &p.Run, &patch, mask)
		return nil
	})
	if err != nil {
		return quire.RunSettings{}, err
	}
	return s.RunSettings(ctx, id)
}

func checkRunSettings(r quire.RunSettings) error {
	if r.InterruptGrace < 0 || r.InterruptGrace > maxInterruptGrace {
		return quire.Invalid("run_settings.interrupt_grace", "must be from 0s, which means the server's default, to %.0fs", maxInterruptGrace.Seconds())
	}
	for _, bound := range []struct {
		field      string
		value, max int64
		unit       string
	}{
		{"max_cell_output", r.MaxCellOutput, maxOutput, "bytes"},
		{"max_output", r.MaxOutput, maxOutput, "bytes"},
		{"max_variable_bytes", r.MaxVariableBytes, maxVariableBytes, "bytes"},
		{"max_variable_rows", int64(r.MaxVariableRows), maxVariableRows, "rows"},
	} {
		if bound.value < 0 || bound.value > bound.max {
			return quire.Invalid("run_settings."+bound.field, "must be from 0, which means the server's default, to %d %s", bound.max, bound.unit)
		}
	}
	return nil
}
