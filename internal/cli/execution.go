package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/nbformat"
)

func (a *app) executionCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "execution",
		Short:   "Look at executions of a server, stop and repeat them",
		Long:    "Looks at executions. An execution's id is its operation's.\n\n" + remoteHelp,
		Example: "  quire execution list --project P --state RUNNING\n  quire execution watch ID",
	}, a.executionList(&r, &format), a.executionGet(&r, &format), a.executionWatch(&r, &format), a.executionNotebook(&r), a.executionHTML(&r), a.executionRetry(&r, &format), a.executionCancel(&r, &format))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) executionList(r *remote, format *output) *cobra.Command {
	var project, state, schedule, sweep string
	var limit int
	cmd := &cobra.Command{
		Use:     "list --project PROJECT",
		Short:   "List a project's executions, newest first",
		Example: "  quire execution list --project P --state FAILED --limit 20",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := &quirev1.ListExecutionsRequest{ProjectId: project, PageSize: int32(pageSize(limit)), ScheduleId: schedule, SweepId: sweep} //nolint:gosec // at most quire.MaxPageSize
			if state != "" {
				n, ok := quirev1.State_value[strings.ToUpper(state)]
				if !ok || n == 0 {
					return misuse("--state %q must be one of %s", state, stateNames())
				}
				request.State = quirev1.State(n)
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				executions, err := pages(limit, func(token string) ([]*quirev1.Execution, string, error) {
					request.PageToken = token
					page, err := c.executions.List(ctx, request)
					return page.GetExecutions(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				return a.printExecutions(executions, *format)
			})
		},
	}
	projectFlag(cmd, r, &project)
	cmd.Flags().StringVar(&state, "state", "", "only executions in this `state`: "+stateNames())
	cmd.Flags().StringVar(&schedule, "schedule", "", "only executions of this schedule, by its `id`")
	cmd.Flags().StringVar(&sweep, "sweep", "", "only executions of this sweep, by its `id`")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default: all)")
	return cmd
}

func stateNames() string {
	names := make([]string, 0, len(quire.States()))
	for _, s := range quire.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func (a *app) printExecutions(executions []*quirev1.Execution, format output) error {
	if format == asJSON {
		return a.printMessage(&quirev1.ListExecutionsResponse{Executions: executions})
	}
	rows := make([][]string, len(executions))
	for i, e := range executions {
		rows[i] = []string{
			e.GetId(), e.GetState().String(), cells(e), moment(e.GetCreatedAt()), took(e), e.GetNotebook(),
		}
	}
	return a.printTable([]string{"ID", "STATE", "CELLS", "CREATED", "TOOK", "NOTEBOOK"}, rows)
}

func (a *app) executionGet(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "get EXECUTION",
		Short:   "Print an execution: its state, times, output variables, and why it failed",
		Example: "  quire execution get ID -o json",
		Args:    arguments("EXECUTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := c.executions.Get(ctx, &quirev1.GetExecutionRequest{ExecutionId: args[0]})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(e)
				}
				return a.printExecution(e)
			})
		},
	}
}

func (a *app) printExecution(e *quirev1.Execution) error {
	fields := [][2]string{
		{"id", e.GetId()},
		{"project", e.GetProjectId()},
		{"notebook", e.GetNotebook()},
		{"cell", e.GetCellId()},
		{"state", e.GetState().String()},
		{"cells", cells(e)},
		{"spec", e.GetSpec()},
		{"priority", number(e.GetPriority())},
		{"retry of", e.GetRetryOf()},
		{"schedule", e.GetScheduleId()},
		{"scheduled", moment(e.GetScheduledTime())},
		{"sweep", e.GetSweepId()},
		{"kernel", e.GetKernel()},
		{"created", moment(e.GetCreatedAt())},
		{"created by", e.GetCreatedBy()},
		{"finished", moment(e.GetFinishedAt())},
		{"queued for", milliseconds(e.GetDurations().GetQueuedMs())},
		{"environment", milliseconds(e.GetDurations().GetEnvironmentMs())},
		{"kernel start", milliseconds(e.GetDurations().GetKernelStartMs())},
		{"running", milliseconds(e.GetDurations().GetRunningMs())},
	}
	fields = append(fields, recordFields(e)...)
	fields = append(fields, failureFields(e.GetFailure())...)
	for _, v := range e.GetOutputVariables() {
		variable, err := variableOf(v)
		if err != nil {
			return err
		}
		fields = append(fields, [2]string{"output " + v.GetName(), variableText(variable)})
	}
	if err := a.printFields(fields); err != nil {
		return err
	}
	for _, entry := range e.GetFailure().GetTraceback() {
		if _, err := fmt.Fprintln(a.stdout, block(entry, false)); err != nil {
			return err
		}
	}
	return nil
}

// variableOf converts an output variable of the API; its JSON is the domain's.
func variableOf(m *quirev1.Variable) (quire.Variable, error) {
	var v quire.Variable
	data, err := protojson.Marshal(m)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		return v, fmt.Errorf("read output variable: %w", err)
	}
	return v, nil
}

func (a *app) executionWatch(r *remote, format *output) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "watch EXECUTION",
		Short: "Show an execution cell by cell, from its start to its end",
		Long: "Shows an execution cell by cell, from its start to its end, as execute --wait does,\n" +
			"and exits like that. Ctrl-C ends the watching, not the execution.",
		Example: "  quire execution watch ID",
		Args:    arguments("EXECUTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				return a.follow(ctx, c, args[0], timeout, *format)
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to watch, such as 10m (default: until it ends)")
	return cmd
}

func (a *app) executionNotebook(r *remote) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "notebook EXECUTION",
		Short: "Fetch the executed notebook, as far as it has come",
		Example: "  quire execution notebook ID > executed.ipynb\n" +
			"  quire execution notebook ID -O executed.ipynb",
		Args: arguments("EXECUTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				stream, err := c.executions.GetNotebook(ctx, &quirev1.GetNotebookRequest{ExecutionId: args[0]})
				if err != nil {
					return err
				}
				return a.save(stream, to)
			})
		},
	}
	cmd.Flags().StringVarP(&to, "output-file", "O", "", "`file` to write it to (default: standard output)")
	completeFiles(cmd, "output-file")
	return cmd
}

func (a *app) executionCancel(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel EXECUTION",
		Short:   "Stop an execution; what it has done is kept",
		Example: "  quire execution cancel ID",
		Args:    arguments("EXECUTION"),
		RunE:    a.cancel(r, format),
	}
}

// notebook fetches the executed notebook.
func (c *client) notebook(ctx context.Context, id string) (*nbformat.Notebook, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.executions.GetNotebook(ctx, &quirev1.GetNotebookRequest{ExecutionId: id})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for b.Len() <= nbformat.MaxBytes {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nbformat.Parse(b.Bytes())
		}
		if err != nil {
			return nil, err
		}
		b.Write(piece.GetData())
	}
	return nil, errors.New("the notebook is too large to be read here")
}

func cells(e *quirev1.Execution) string {
	return fmt.Sprintf("%d/%d", e.GetCellsDone(), e.GetCellsTotal())
}

func took(e *quirev1.Execution) string {
	if e.GetFinishedAt() == nil || e.GetStartedAt() == nil {
		return "-"
	}
	return elapsed(e.GetFinishedAt().AsTime().Sub(e.GetStartedAt().AsTime()))
}

func milliseconds(ms int32) string {
	if ms == 0 {
		return ""
	}
	return elapsed(time.Duration(ms) * time.Millisecond)
}

// moment is a time in this machine's zone, "" where there is none.
func moment(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format("2006-01-02 15:04:05")
}

// pages collects all pages of a list, up to limit entries where that is set.
func pages[T any](limit int, fetch func(token string) ([]T, string, error)) ([]T, error) {
	var all []T
	for token := ""; ; {
		page, next, err := fetch(token)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if limit > 0 && len(all) >= limit {
			return slices.Clip(all[:limit]), nil
		}
		if token = next; token == "" {
			return all, nil
		}
	}
}

// pageSize asks for no more than is wanted.
func pageSize(limit int) int {
	if limit > 0 {
		return min(limit, quire.MaxPageSize)
	}
	return quire.MaxPageSize
}
