package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) scheduleCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:   "schedule",
		Short: "Execute notebooks of a server at given times",
		Long:  "Executes notebooks at the times of a cron expression, or once an interval.\n\n" + remoteHelp,
		Example: "  quire schedule create --project P report.ipynb --cron '30 6 * * mon-fri' --time-zone Europe/Berlin\n" +
			"  quire schedule get ID",
	}, a.scheduleCreate(&r, &format), a.scheduleList(&r, &format), a.scheduleGet(&r, &format), a.scheduleUpdate(&r, &format),
		a.schedulePause(&r, &format, true), a.schedulePause(&r, &format, false), a.scheduleRun(&r, &format), a.scheduleDelete(&r))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) scheduleCreate(r *remote, format *output) *cobra.Command {
	var o scheduleOptions
	var project string
	cmd := &cobra.Command{
		Use:   "create --project PROJECT NOTEBOOK",
		Short: "Create a schedule that executes a notebook",
		Long: "Creates a schedule that executes a notebook of a project, and prints its id and when\n" +
			"it is due. Strings of -v may hold {{ scheduled_time }}, {{ scheduled_date }} and their like.\n\n" + inputsHelp,
		Example: "  quire schedule create --project P report.ipynb --cron @daily -v 'day={{ scheduled_date }}'\n" +
			"  quire schedule create --project P import.ipynb --every 15m --overlap skip --catch-up skip",
		Args: arguments("NOTEBOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.notebook = args[0]
			schedule, _, err := o.schedule(cmd)
			if err != nil {
				return err
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				created, err := c.schedules.Create(ctx, &quirev1.CreateScheduleRequest{ProjectId: project, Schedule: schedule})
				return a.printSchedule(created, err, *format)
			})
		},
	}
	projectFlag(cmd, r, &project)
	o.flags(cmd)
	return cmd
}

func (a *app) scheduleUpdate(r *remote, format *output) *cobra.Command {
	var o scheduleOptions
	cmd := &cobra.Command{
		Use:   "update SCHEDULE",
		Short: "Change what is named of a schedule",
		Long: "Changes what is named of a schedule and leaves the rest. To go from a cron expression\n" +
			"to an interval, name both: --cron '' --every 1h.",
		Example: "  quire schedule update ID --cron '0 7 * * *' --time-zone America/New_York",
		Args:    arguments("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			schedule, mask, err := o.schedule(cmd)
			if err != nil {
				return err
			}
			if len(mask) == 0 {
				return misuse("nothing to change is named")
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				return a.saveSchedule(ctx, c, args[0], schedule, mask, *format)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.notebook, "notebook", "", "`path` of the notebook in the project")
	return cmd
}

func (a *app) saveSchedule(ctx context.Context, c *client, id string, s *quirev1.Schedule, mask []string, format output) error {
	updated, err := c.schedules.Update(ctx, &quirev1.UpdateScheduleRequest{
		ScheduleId: id, Schedule: s, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask},
	})
	return a.printSchedule(updated, err, format)
}

func (a *app) schedulePause(r *remote, format *output, paused bool) *cobra.Command {
	use, short := "resume", "Let a schedule that is paused be due again"
	if paused {
		use, short = "pause", "Keep a schedule from being due; what it misses is not made up for"
	}
	return &cobra.Command{
		Use:     use + " SCHEDULE",
		Short:   short,
		Example: "  quire schedule " + use + " ID",
		Args:    arguments("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				return a.saveSchedule(ctx, c, args[0], &quirev1.Schedule{Paused: paused}, []string{"paused"}, *format)
			})
		},
	}
}

func (a *app) scheduleList(r *remote, format *output) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:     "list --project PROJECT",
		Short:   "List a project's schedules, oldest first",
		Example: "  quire schedule list --project P",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				found, err := pages(0, func(token string) ([]*quirev1.Schedule, string, error) {
					page, err := c.schedules.List(ctx, &quirev1.ListSchedulesRequest{
						ProjectId: project, PageSize: int32(pageSize(0)), PageToken: token, //nolint:gosec // at most quire.MaxPageSize
					})
					return page.GetSchedules(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				return a.printSchedules(found, *format)
			})
		},
	}
	projectFlag(cmd, r, &project)
	return cmd
}

func (a *app) printSchedules(found []*quirev1.Schedule, format output) error {
	if format == asJSON {
		return a.printMessage(&quirev1.ListSchedulesResponse{Schedules: found})
	}
	rows := make([][]string, len(found))
	for i, s := range found {
		next := "-"
		if times := s.GetNext(); len(times) > 0 {
			next = zoned(times[0], s.GetTimeZone())
		}
		rows[i] = []string{s.GetId(), s.GetName(), timingText(s), next, s.GetLast().GetOutcome().String(), s.GetNotebook()}
		if s.GetLast() == nil {
			rows[i][4] = "-"
		}
	}
	return a.printTable([]string{"ID", "NAME", "WHEN", "NEXT", "LAST", "NOTEBOOK"}, rows)
}

func (a *app) scheduleGet(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "get SCHEDULE",
		Short:   "Print a schedule, when it is due next, and what came of the last time",
		Example: "  quire schedule get ID",
		Args:    arguments("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				s, err := c.schedules.Get(ctx, &quirev1.GetScheduleRequest{ScheduleId: args[0]})
				return a.printSchedule(s, err, *format)
			})
		},
	}
}

func (a *app) printSchedule(s *quirev1.Schedule, err error, format output) error {
	if err != nil {
		return err
	}
	if format == asJSON {
		return a.printMessage(s)
	}
	fields := [][2]string{
		{"id", s.GetId()},
		{"project", s.GetProjectId()},
		{"name", s.GetName()},
		{"when", timingText(s)},
		{"notebook", s.GetNotebook()},
		{"output variables", strings.Join(s.GetOutputVariableNames(), ", ")},
		{"spec", s.GetSpec()},
		{"priority", number(s.GetPriority())},
		{"catch up", policyText(s.GetCatchUp().String(), "CATCH_UP_")},
		{"overlap", policyText(s.GetOverlap().String(), "OVERLAP_")},
		{"created", moment(s.GetCreatedAt())},
		{"created by", s.GetCreatedBy()},
	}
	if last := s.GetLast(); last != nil {
		text := strings.ToLower(last.GetOutcome().String()) + " " + last.GetExecutionId() + last.GetMessage()
		fields = append(fields, [2]string{"last", zoned(last.GetScheduledTime(), s.GetTimeZone()) + "  " + strings.TrimSpace(text)})
	}
	for _, t := range s.GetNext() {
		fields = append(fields, [2]string{"next", zoned(t, s.GetTimeZone())})
	}
	return a.printFields(fields)
}

func (a *app) scheduleRun(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "run SCHEDULE",
		Short:   "Execute a schedule's notebook now, and print the id of the execution",
		Example: "  quire schedule run ID",
		Args:    arguments("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := c.schedules.RunNow(ctx, &quirev1.RunScheduleRequest{ScheduleId: args[0]})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(e)
				}
				return a.printLine(e.GetId())
			})
		},
	}
}

func (a *app) scheduleDelete(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "delete SCHEDULE",
		Short:   "Delete a schedule; its executions stay",
		Example: "  quire schedule delete ID",
		Args:    arguments("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				_, err := c.schedules.Delete(ctx, &quirev1.DeleteScheduleRequest{ScheduleId: args[0]})
				return err
			})
		},
	}
}

func timingText(s *quirev1.Schedule) string {
	text := s.GetCron()
	if s.GetInterval() != nil {
		text = "every " + s.GetInterval().AsDuration().String()
	}
	if s.GetTimeZone() != "" {
		text = fmt.Sprintf("%s (%s)", text, s.GetTimeZone())
	}
	if s.GetPaused() {
		text += ", paused"
	}
	return text
}

func policyText(name, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}

// zoned is a time in a schedule's zone, or in UTC where this machine does not
// know that.
func zoned(t *timestamppb.Timestamp, zone string) string {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	return t.AsTime().In(location).Format("2006-01-02 15:04:05 MST")
}
