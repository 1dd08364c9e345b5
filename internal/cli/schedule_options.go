package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	quirev1 "quire/internal/gen/quire/v1"
)

// scheduleOptions are what a schedule is, as flags.
type scheduleOptions struct {
	variables
	name, cron, zone, notebook, spec string
	catchUp, overlap                 string
	every                            time.Duration
	priority                         int32
}

// scheduleFlags are their names, with the field of quire.v1.Schedule that each sets.
var scheduleFlags = [][2]string{
	{"name", "name"},
	{"cron", "cron"},
	{"time-zone", "time_zone"},
	{"every", "interval"},
	{"notebook", "notebook"},
	{"variable", "input_variables"},
	{"output-variable", "output_variable_names"},
	{"spec", "spec"},
	{"priority", "priority"},
	{"catch-up", "catch_up"},
	{"overlap", "overlap"},
}

func (o *scheduleOptions) flags(cmd *cobra.Command) {
	o.variables.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "what the schedule is called (default: its id)")
	f.StringVar(&o.cron, "cron", "", "`expression` of five fields, or @hourly, @daily, @weekly, @monthly, @yearly")
	f.StringVar(&o.zone, "time-zone", "", "`name` of the zone that the expression is read in, such as Europe/Berlin (default: UTC)")
	f.DurationVar(&o.every, "every", 0, "interval instead of a cron expression, such as 90m")
	f.StringVar(&o.spec, "spec", "", "`name` of the machine, such as c1.8 (default: the project's)")
	f.Int32Var(&o.priority, "priority", 0, "from -100 to 100: among the project's executions a greater one goes first")
	f.StringVar(&o.catchUp, "catch-up", "last", "due times missed while the server was down: `skip, last` or all")
	f.StringVar(&o.overlap, "overlap", "allow", "when an earlier execution has not ended: `allow` another one, or skip")
	completeWith(cmd, "catch-up", cobra.FixedCompletions([]string{"skip", "last", "all"}, cobra.ShellCompDirectiveNoFileComp))
	completeWith(cmd, "overlap", cobra.FixedCompletions([]string{"allow", "skip"}, cobra.ShellCompDirectiveNoFileComp))
}

// schedule returns what the flags say, and which fields the command names.
func (o *scheduleOptions) schedule(cmd *cobra.Command) (*quirev1.Schedule, []string, error) {
	given, err := o.inputs()
	if err != nil {
		return nil, nil, err
	}
	inputs, err := structOf(given)
	if err != nil {
		return nil, nil, err
	}
	catchUp, ok := quirev1.CatchUp_value["CATCH_UP_"+strings.ToUpper(o.catchUp)]
	if !ok {
		return nil, nil, misuse("--catch-up %q must be skip, last or all", o.catchUp)
	}
	overlap, ok := quirev1.Overlap_value["OVERLAP_"+strings.ToUpper(o.overlap)]
	if !ok {
		return nil, nil, misuse("--overlap %q must be allow or skip", o.overlap)
	}
	s := &quirev1.Schedule{
		Name: o.name, Cron: o.cron, TimeZone: o.zone, Notebook: o.notebook, InputVariables: inputs, OutputVariableNames: o.outputs,
		Spec: o.spec, Priority: o.priority, CatchUp: quirev1.CatchUp(catchUp), Overlap: quirev1.Overlap(overlap),
	}
	if o.every != 0 {
		s.Interval = durationpb.New(o.every)
	}
	var mask []string
	for _, flag := range scheduleFlags {
		if cmd.Flags().Changed(flag[0]) {
			mask = append(mask, flag[1])
		}
	}
	return s, mask, nil
}
