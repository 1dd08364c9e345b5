package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/metadata"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) sweepCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "sweep",
		Short:   "Execute a notebook of a server for each combination of values",
		Long:    "Executes a notebook once for each combination of lists of values.\n\n" + remoteHelp,
		Example: "  quire sweep run --project P model.ipynb --values 'alpha=[0.1, 0.2]' --output-variable score\n  quire sweep table ID",
	}, a.sweepRun(&r, &format), a.sweepGet(&r, &format), a.sweepList(&r, &format), a.sweepTable(&r, &format), a.sweepCancel(&r, &format))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) sweepRun(r *remote, format *output) *cobra.Command {
	var v variables
	var project, spec, key string
	var lists []string
	var priority int32
	cmd := &cobra.Command{
		Use:   "run --project PROJECT NOTEBOOK",
		Short: "Submit an execution for each combination, and print the sweep's id",
		Long:  "Submits an execution of the notebook for each combination of the values.\n\n" + inputsHelp,
		Example: "  quire sweep run --project P model.ipynb --values 'alpha=[0.1, 0.2]' --values 'model=[\"a\", \"b\"]' \\\n" +
			"    -v year=2026 --output-variable score",
		Args: arguments("NOTEBOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := v.inputs()
			if err != nil {
				return err
			}
			inputs, err := structOf(given)
			if err != nil {
				return err
			}
			swept, err := listsOf(lists)
			if err != nil {
				return err
			}
			values, err := structOf(swept)
			if err != nil {
				return err
			}
			if key == "" {
				key = uuid.NewString()
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
				w, err := c.sweeps.Create(ctx, &quirev1.CreateSweepRequest{ProjectId: project, Sweep: &quirev1.Sweep{
					Notebook: args[0], Values: values, InputVariables: inputs, OutputVariableNames: v.outputs, Spec: spec, Priority: priority,
				}})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(w)
				}
				return a.printLine(w.GetId())
			})
		},
	}
	projectFlag(cmd, r, &project)
	v.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&lists, "values", nil, "values of an input variable, `name=[JSON, …]`; may be repeated")
	f.StringVar(&spec, "spec", "", "`name` of the machine, such as c1.8 (default: the project's)")
	f.Int32Var(&priority, "priority", 0, "from -100 to 100: among the project's executions a greater one goes first")
	f.StringVar(&key, "idempotency-key", "", "`UUID` of this request: repeated with the same one it starts nothing again")
	return cmd
}

// listsOf reads name=[…] for each variable.
func listsOf(given []string) (map[string]any, error) {
	lists := make(map[string]any, len(given))
	for _, one := range given {
		name, text, ok := strings.Cut(one, "=")
		list, isList := typed(text).([]any)
		if !ok || !isList {
			return nil, misuse("--values %q must be name=[value, …], in JSON", one)
		}
		if _, twice := lists[name]; twice {
			return nil, misuse("--values %s is given twice", name)
		}
		lists[name] = list
	}
	return lists, nil
}

func (a *app) sweepGet(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "get SWEEP",
		Short:   "Print a sweep, and how many of its executions are in which state",
		Example: "  quire sweep get ID",
		Args:    arguments("SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				w, err := c.sweeps.Get(ctx, &quirev1.GetSweepRequest{SweepId: args[0]})
				return a.printSweep(w, err, *format)
			})
		},
	}
}

func (a *app) sweepCancel(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel SWEEP",
		Short:   "Stop all executions of a sweep that have not ended",
		Example: "  quire sweep cancel ID",
		Args:    arguments("SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				w, err := c.sweeps.Cancel(ctx, &quirev1.CancelSweepRequest{SweepId: args[0]})
				return a.printSweep(w, err, *format)
			})
		},
	}
}

func (a *app) printSweep(w *quirev1.Sweep, err error, format output) error {
	if err != nil {
		return err
	}
	if format == asJSON {
		return a.printMessage(w)
	}
	return a.printFields([][2]string{
		{"id", w.GetId()},
		{"project", w.GetProjectId()},
		{"notebook", w.GetNotebook()},
		{"executions", number(w.GetTotal())},
		{"states", statesText(w)},
		{"created", moment(w.GetCreatedAt())},
		{"created by", w.GetCreatedBy()},
	})
}

func statesText(w *quirev1.Sweep) string {
	var parts []string
	for _, s := range w.GetStates() {
		parts = append(parts, fmt.Sprintf("%d %s", s.GetExecutions(), s.GetState()))
	}
	return strings.Join(parts, ", ")
}

func (a *app) sweepList(r *remote, format *output) *cobra.Command {
	var project string
	var limit int
	cmd := &cobra.Command{
		Use:     "list --project PROJECT",
		Short:   "List a project's sweeps, newest first",
		Example: "  quire sweep list --project P",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				found, err := pages(limit, func(token string) ([]*quirev1.Sweep, string, error) {
					page, err := c.sweeps.List(ctx, &quirev1.ListSweepsRequest{
						ProjectId: project, PageSize: int32(pageSize(limit)), PageToken: token, //nolint:gosec // at most quire.MaxPageSize
					})
					return page.GetSweeps(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&quirev1.ListSweepsResponse{Sweeps: found})
				}
				rows := make([][]string, len(found))
				for i, w := range found {
					rows[i] = []string{w.GetId(), number(w.GetTotal()), statesText(w), moment(w.GetCreatedAt()), w.GetNotebook()}
				}
				return a.printTable([]string{"ID", "EXECUTIONS", "STATES", "CREATED", "NOTEBOOK"}, rows)
			})
		},
	}
	projectFlag(cmd, r, &project)
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default: all)")
	return cmd
}

func (a *app) sweepTable(r *remote, format *output) *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{
		Use:     "table SWEEP",
		Short:   "Print inputs against output variables",
		Example: "  quire sweep table ID --csv > table.csv",
		Args:    arguments("SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				request := &quirev1.GetSweepTableRequest{SweepId: args[0]}
				if asCSV {
					body, err := c.sweeps.ExportTable(ctx, request)
					if err != nil {
						return err
					}
					_, err = a.stdout.Write(body.GetData())
					return err
				}
				table, err := c.sweeps.GetTable(ctx, request)
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(table)
				}
				return a.printSweepTable(table)
			})
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "as CSV")
	return cmd
}

func (a *app) printSweepTable(table *quirev1.SweepTable) error {
	header := append(append([]string{"EXECUTION", "STATE"}, table.GetInputs()...), table.GetOutputs()...)
	var rows [][]string
	for _, row := range table.GetRows() {
		line := []string{row.GetExecutionId(), row.GetState().String()}
		for _, name := range table.GetInputs() {
			line = append(line, valueText(row.GetInputs().AsMap(), name))
		}
		for _, name := range table.GetOutputs() {
			line = append(line, valueText(row.GetOutputs().AsMap(), name))
		}
		rows = append(rows, line)
	}
	return a.printTable(header, rows)
}

func valueText(values map[string]any, name string) string {
	value, there := values[name]
	if !there {
		return "-"
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "-"
	}
	return variableText(quire.Variable{Name: name, Value: data})
}
