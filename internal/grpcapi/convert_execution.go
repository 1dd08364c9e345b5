package grpcapi

import (
	"math"
	"time"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func executionProto(e quire.Execution, now time.Time) (*quirev1.Execution, error) {
	inputs, err := inputsProto(e.Inputs)
	if err != nil {
		return nil, err
	}
	return &quirev1.Execution{
		Id:                  string(e.ID),
		ProjectId:           string(e.ProjectID),
		State:               stateProto(e.State),
		Notebook:            e.Target.Notebook,
		CellId:              e.Target.Cell,
		InputVariables:      inputs,
		OutputVariableNames: e.OutputNames,
		Spec:                e.Spec,
		SparkConnectorId:    e.SparkConnectorID,
		Kernel:              e.Kernel,
		CreatedBy:           e.CreatedBy,
		CreatedAt:           timeProto(e.CreatedAt),
		StartedAt:           timeProto(e.Timing.Started),
		FinishedAt:          timeProto(e.Timing.Finished),
		Durations:           durationsProto(e, now),
		CellsDone:           int32(e.CellsDone),
		CellsTotal:          int32(e.CellsTotal),
		OutputVariables:     mapped(e.Outputs, variableProto),
		Failure:             failureProto(e.Failure),
		Attempt:             int32(e.Attempt),
		Attempts:            mapped(e.Attempts, attemptProto),
		Bounds:              boundsProto(e.Bounds),
		Receipt:             receiptProto(e.Receipt),
		Units:               e.UnitsAt(now),
		Priority:            int32(e.Priority),
		RetryOf:             string(e.RetryOf),
		ScheduleId:          string(e.Origin.Schedule),
		ScheduledTime:       timeProto(e.Origin.Scheduled),
		SweepId:             string(e.Origin.Sweep),
	}, nil
}

// durationsProto returns how long each phase has taken by now. A phase begins
// where the one before it has ended, and the last one that has begun lasts
// until the end of the execution.
func durationsProto(e quire.Execution, now time.Time) *quirev1.Durations {
	end := now
	if !e.Timing.Finished.IsZero() {
		end = e.Timing.Finished
	}
	bounds := []time.Time{e.CreatedAt, e.Timing.Started, e.Timing.Environment, e.Timing.Kernel, end}
	var took [4]int32
	for i, begin := range bounds[:4] {
		until := bounds[i+1]
		if until.IsZero() {
			until = end
		}
		if begin.IsZero() {
			break
		}
		took[i] = int32(min(max(until.Sub(begin).Milliseconds(), 0), math.MaxInt32))
	}
	return &quirev1.Durations{QueuedMs: took[0], EnvironmentMs: took[1], KernelStartMs: took[2], RunningMs: took[3]}
}

func variableProto(v quire.Variable) *quirev1.Variable {
	return &quirev1.Variable{Name: v.Name, Type: string(v.Type), Value: valueProto(v.Value), Truncated: v.Truncated}
}

func attemptProto(a quire.Attempt) *quirev1.Attempt {
	return &quirev1.Attempt{
		Number: int32(a.Number), Started: timeProto(a.Started), Finished: timeProto(a.Finished), Failure: failureProto(a.Failure),
	}
}

func boundsProto(b *quire.Bounds) *quirev1.Bounds {
	if b == nil {
		return nil
	}
	return &quirev1.Bounds{
		Cpus: int32(b.CPUs), MemoryBytes: b.MemoryBytes, Processes: int32(b.Processes), Clamped: b.Clamped, By: b.By,
	}
}

func receiptProto(r *quire.Receipt) *quirev1.Receipt {
	if r == nil {
		return nil
	}
	return &quirev1.Receipt{Notebook: r.Notebook, Inputs: r.Inputs, Environment: r.Environment, RetryOf: string(r.RetryOf)}
}

func failureProto(f *quire.Failure) *quirev1.Failure {
	if f == nil {
		return nil
	}
	return &quirev1.Failure{
		Kind:       string(f.Kind),
		Message:    f.Message,
		Cell:       numberProto(f.Cell),
		CellId:     f.CellID,
		ErrorName:  f.ErrorName,
		ErrorValue: f.ErrorValue,
		Traceback:  f.Traceback,
		Signal:     f.Signal,
		ExitStatus: numberProto(f.ExitStatus),
		Limit:      f.Limit,

		PeakMemoryBytes:  f.PeakMemory,
		MemoryLimitBytes: f.MemoryLimit,
	}
}

func numberProto(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(*n))
}

// The states of both languages have the same names.
func stateProto(s quire.State) quirev1.State { return quirev1.State(quirev1.State_value[string(s)]) }

// stateOf reads a state to filter by; unspecified is none.
func stateOf(s quirev1.State) (quire.State, error) {
	if s == quirev1.State_STATE_UNSPECIFIED {
		return "", nil
	}
	name, ok := quirev1.State_name[int32(s)]
	if !ok {
		return "", quire.Invalid("state", "%d is no state that is known", s)
	}
	return quire.State(name), nil
}
