package grpcapi

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

// The policies in both languages; the first of each is the default.
var (
	catchUps = map[quirev1.CatchUp]quire.CatchUp{
		quirev1.CatchUp_CATCH_UP_UNSPECIFIED: "",
		quirev1.CatchUp_CATCH_UP_SKIP:        quire.CatchUpSkip,
		quirev1.CatchUp_CATCH_UP_LAST:        quire.CatchUpLast,
		quirev1.CatchUp_CATCH_UP_ALL:         quire.CatchUpAll,
	}
	overlaps = map[quirev1.Overlap]quire.Overlap{
		quirev1.Overlap_OVERLAP_UNSPECIFIED: "",
		quirev1.Overlap_OVERLAP_ALLOW:       quire.OverlapAllow,
		quirev1.Overlap_OVERLAP_SKIP:        quire.OverlapSkip,
	}
)

// scheduleOf reads the fields that a client can set.
func scheduleOf(m *quirev1.Schedule) (quire.Schedule, error) {
	var c quire.Schedule
	interval, err := durationOf("interval", m.GetInterval())
	if err != nil {
		return c, err
	}
	inputs, err := inputsOf(m.GetInputVariables())
	if err != nil {
		return c, err
	}
	var known bool
	if c.CatchUp, known = catchUps[m.GetCatchUp()]; !known {
		return c, quire.Invalid("catch_up", "%d is no policy that is known", m.GetCatchUp())
	}
	if c.Overlap, known = overlaps[m.GetOverlap()]; !known {
		return c, quire.Invalid("overlap", "%d is no policy that is known", m.GetOverlap())
	}
	c.Name, c.Paused = m.GetName(), m.GetPaused()
	c.Timing = quire.ScheduleTiming{Cron: m.GetCron(), Zone: m.GetTimeZone(), Interval: interval}
	c.Work = quire.ScheduledWork{
		Notebook: m.GetNotebook(), Inputs: inputs, OutputNames: m.GetOutputVariableNames(),
		Spec: m.GetSpec(), Priority: int(m.GetPriority()),
	}
	return c, nil
}

func scheduleProto(c quire.Schedule, next []time.Time) (*quirev1.Schedule, error) {
	inputs, err := inputsProto(c.Work.Inputs)
	if err != nil {
		return nil, err
	}
	m := &quirev1.Schedule{
		Id:                  string(c.ID),
		ProjectId:           string(c.ProjectID),
		Name:                c.Name,
		Cron:                c.Timing.Cron,
		TimeZone:            c.Timing.Zone,
		Notebook:            c.Work.Notebook,
		InputVariables:      inputs,
		OutputVariableNames: c.Work.OutputNames,
		Spec:                c.Work.Spec,
		Priority:            int32(c.Work.Priority),
		Paused:              c.Paused,
		CreatedBy:           c.CreatedBy,
		CreatedAt:           timeProto(c.CreatedAt),
		Last:                firingProto(c.Last),
		Next:                mapped(next, timeProto),
	}
	if c.Timing.Interval != 0 {
		m.Interval = durationpb.New(c.Timing.Interval)
	}
	for number, policy := range catchUps {
		if policy == c.CatchUp {
			m.CatchUp = number
		}
	}
	for number, policy := range overlaps {
		if policy == c.Overlap {
			m.Overlap = number
		}
	}
	return m, nil
}

func firingProto(f *quire.Firing) *quirev1.Firing {
	if f == nil {
		return nil
	}
	return &quirev1.Firing{
		ScheduledTime: timeProto(f.Scheduled), At: timeProto(f.At), ExecutionId: string(f.Execution), Message: f.Message,
		Outcome: quirev1.Firing_Outcome(quirev1.Firing_Outcome_value[string(f.Outcome)]), // of the same names
	}
}
