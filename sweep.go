package quire

import (
	"maps"
	"slices"
	"time"
)

// SweepID identifies a sweep.
type SweepID string

// MaxSweep is how many executions one sweep may have.
const MaxSweep = 1000

// MaxCellBytes bounds an output variable in a sweep's table: a larger one is to
// be had from its execution.
const MaxCellBytes = 10_000

// Sweep executes a notebook once for each combination of lists of values.
type Sweep struct {
	ID        SweepID
	ProjectID ProjectID
	Work      ScheduledWork    // without placeholders; its Inputs are shared by all
	Values    map[string][]any // of further inputs
	Total     int              // executions
	CreatedBy string
	CreatedAt time.Time
	States    map[State]int // how many are in each state, those that have expired apart; states with none are left out
}

// SweepFilter narrows a list of sweeps, newest first.
type SweepFilter struct {
	ProjectID ProjectID
	Page      Page
}

// Done reports whether all executions have ended.
func (s Sweep) Done() bool { return s.States[Queued]+s.States[Starting]+s.States[Running] == 0 }

// Combinations returns the inputs of each execution, in their order: the last
// name changes the fastest. Its errors are InvalidArgument.
func (s Sweep) Combinations() ([]map[string]any, error) {
	if len(s.Values) == 0 {
		return nil, Invalid("values", "is empty; it must name a variable with the list of its values")
	}
	rows := []map[string]any{s.Work.Inputs}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		values := s.Values[name]
		if _, fixed := s.Work.Inputs[name]; fixed {
			return nil, Invalid("values", "%.100s is in input_variables too", name)
		}
		if len(values) == 0 {
			return nil, Invalid("values", "%.100s has an empty list of values", name)
		}
		if len(rows)*len(values) > MaxSweep {
			return nil, Invalid("values", "there are more than %d combinations, which is the limit", MaxSweep)
		}
		next := make([]map[string]any, 0, len(rows)*len(values))
		for _, row := range rows {
			for _, value := range values {
				inputs := make(map[string]any, len(row)+1)
				maps.Copy(inputs, row)
				inputs[name] = value
				next = append(next, inputs)
			}
		}
		rows = next
	}
	return rows, nil
}
