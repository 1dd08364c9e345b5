package service

import (
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"quire"
)

// The limits that the descriptors leave open, or that an update could pass by.
const (
	maxName        = 63   // characters
	maxDescription = 4096 // characters
	maxLabels      = 64
	maxLabel       = 63 // characters of a key or a value
)

func checkCommunity(c quire.Community) error {
	return checkTexts(c.Name, c.Description, c.Labels)
}

func (s *Service) checkProject(p quire.Project) error {
	if err := checkTexts(p.Name, p.Description, p.Labels); err != nil {
		return err
	}
	if name := p.Settings.DefaultSpec; name != "" {
		if _, err := s.catalogue.Lookup("settings.default_dedicated_spec", name); err != nil {
			return err
		}
	}
	switch p.Settings.StaleTimeout {
	case "", quire.StaleOneHour, quire.StaleThreeHours, quire.StaleNever:
	default:
		return quire.Invalid("settings.stale_exec_timeout_mode", "unknown mode %q; known are %s, %s, %s",
			p.Settings.StaleTimeout, quire.StaleOneHour, quire.StaleThreeHours, quire.StaleNever)
	}
	if p.Settings.VMInactivityTimeout < 0 {
		return quire.Invalid("settings.vm_inactivity_timeout", "must not be negative")
	}
	if n := p.Limits.MaxUnitsPerHour; n != nil && *n < 0 {
		return quire.Invalid("limits.max_units_per_hour", "must not be negative; leave it out for no limit")
	}
	if n := p.Limits.MaxUnitsPerExecution; n != nil && *n < 0 {
		return quire.Invalid("limits.max_units_per_execution", "must not be negative; leave it out for no limit")
	}
	return nil
}

func checkTexts(name, description string, labels map[string]string) error {
	if utf8.RuneCountInString(name) > maxName {
		return quire.Invalid("name", "must have at most %d characters", maxName)
	}
	if utf8.RuneCountInString(description) > maxDescription {
		return quire.Invalid("description", "must have at most %d characters", maxDescription)
	}
	if len(labels) > maxLabels {
		return quire.Invalid("labels", "must be at most %d", maxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if key == "" || utf8.RuneCountInString(key) > maxLabel || utf8.RuneCountInString(labels[key]) > maxLabel {
			return quire.Invalid("labels", "%.100q: a key has 1 to %d characters, a value at most so many", key, maxLabel)
		}
	}
	return nil
}

func checkPage(p quire.Page) error {
	if p.Size < 0 || p.Size > quire.MaxPageSize {
		return quire.Invalid("page_size", "must be from 0 to %d", quire.MaxPageSize)
	}
	return nil
}

// atField returns err with the request's own name for the field at fault,
// where it is a client's error.
func atField(field string, err error) error {
	if e, ok := errors.AsType[*quire.Error](err); ok {
		at := *e
		at.Field = field
		return &at
	}
	return err
}
