package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

// executeOptions are the flags of `quire execute`.
type executeOptions struct {
	variables
	project, spec, cell, key string
	priority                 int
	wait                     bool
	timeout                  time.Duration
}

func (a *app) executeCommand() *cobra.Command {
	var r remote
	var format output
	var o executeOptions
	cmd := &cobra.Command{
		Use:   "execute --project PROJECT NOTEBOOK",
		Short: "Execute a notebook of a project on a server",
		Long: "Executes a notebook that lies in a project, and prints the id of the execution, which\n" +
			"is its operation's too. With --wait it shows the progress, prints the output\n" +
			"variables, and exits with 0 only if the notebook succeeded. Ctrl-C then ends the\n" +
			"waiting, not the execution.\n\n" + inputsHelp + "\n\n" + remoteHelp,
		Example: "  quire execute --project P reports/sales.ipynb -v year=2026\n" +
			"  quire execute --project P reports/sales.ipynb --output-variable total --spec c1.8 --wait",
		Args: arguments("NOTEBOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.priority < quire.MinPriority || o.priority > quire.MaxPriority {
				return misuse("--priority must be from %d to %d", quire.MinPriority, quire.MaxPriority)
			}
			request, err := o.request(args[0])
			if err != nil {
				return err
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				return a.execute(ctx, c, request, o, format)
			})
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	projectFlag(cmd, &r, &o.project)
	f.StringVar(&o.spec, "spec", "", "`name` of the machine, such as c1.8 (default: the project's)")
	f.StringVar(&o.cell, "cell", "", "`id` of the one cell to run (default: all)")
	f.IntVar(&o.priority, "priority", 0, "from -100 to 100: among the project's executions a greater one goes first")
	f.StringVar(&o.key, "idempotency-key", "", "`UUID` of this request: repeated with the same one it starts nothing again")
	f.BoolVar(&o.wait, "wait", false, "wait for the end and show the progress")
	f.DurationVar(&o.timeout, "timeout", 0, "with --wait: how long to wait, such as 10m (default: until it ends)")
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (o *executeOptions) request(notebook string) (*datasphere.ProjectExecutionRequest, error) {
	given, err := o.inputs()
	if err != nil {
		return nil, err
	}
	inputs, err := structOf(given)
	if err != nil {
		return nil, err
	}
	request := &datasphere.ProjectExecutionRequest{
		ProjectId: o.project, InputVariables: inputs, OutputVariableNames: o.outputs, Spec: o.spec,
		Target: &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: notebook},
	}
	if o.cell != "" {
		request.Target = &datasphere.ProjectExecutionRequest_CellId{CellId: notebook + "#" + o.cell} //nolint:staticcheck // deprecated, and the one way to name a cell
	}
	return request, nil
}

// structOf puts inputs into the form of the API, whose numbers are float64.
func structOf(inputs map[string]any) (*structpb.Struct, error) {
	for name, v := range inputs {
		if n := inexact(v); n != "" {
			return nil, misuse("-v %s: the number %s would lose digits on its way to the server; send it as a string: -v '%s=\"%s\"'", name, n, name, n)
		}
	}
	s, err := structpb.NewStruct(inputs)
	if err != nil {
		return nil, misuse("-v: %v", err)
	}
	return s, nil
}

// inexact returns the first integer in v that no float64 is equal to.
func inexact(v any) string {
	switch v := v.(type) {
	case json.Number:
		whole, ok := new(big.Int).SetString(string(v), 10)
		if !ok {
			return "" // a fraction is rounded by everyone who reads it
		}
		if _, accuracy := new(big.Float).SetInt(whole).Float64(); accuracy != big.Exact {
			return string(v)
		}
	case []any:
		for _, item := range v {
			if n := inexact(item); n != "" {
				return n
			}
		}
	case map[string]any:
		for _, item := range v {
			if n := inexact(item); n != "" {
				return n
			}
		}
	}
	return ""
}

func (a *app) execute(ctx context.Context, c *client, request *datasphere.ProjectExecutionRequest, o executeOptions, format output) error {
	op, err := c.begin(ctx, request, o)
	if err != nil {
		return err
	}
	if !o.wait {
		if format == asJSON {
			return a.printMessage(op)
		}
		return a.printLine(op.GetId())
	}
	return a.follow(ctx, c, op.GetId(), o.timeout, format)
}

// follow shows an execution to its end, or for as long as timeout allows, and
// prints its result.
func (a *app) follow(ctx context.Context, c *client, id string, timeout time.Duration, format output) error {
	waiting, cancel := withTimeout(ctx, timeout)
	defer cancel()
	p, err := a.show(waiting, c, id)
	if err != nil {
		return err
	}
	return a.printEnd(ctx, c, id, p, format)
}

// begin starts the execution, once: where no answer comes, the same request is
// sent again.
func (c *client) begin(ctx context.Context, request *datasphere.ProjectExecutionRequest, o executeOptions) (*operation.Operation, error) {
	key := o.key
	if key == "" {
		key = uuid.NewString()
	}
	if o.priority != 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, "quire-priority", strconv.Itoa(o.priority))
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
	op, err := c.projects.Execute(ctx, request)
	if err == nil || !transient(err) {
		return op, err
	}
	if err := pause(ctx, firstRetry); err != nil {
		return nil, err
	}
	return c.projects.Execute(ctx, request)
}

// printEnd prints the result of an execution that was watched to its end.
func (a *app) printEnd(ctx context.Context, c *client, id string, p quire.Progress, format output) error {
	if format == asJSON {
		execution, err := c.executions.Get(ctx, &quirev1.GetExecutionRequest{ExecutionId: id})
		if err != nil {
			return err
		}
		if err := a.printMessage(execution); err != nil {
			return err
		}
	} else if err := a.printVariables(p.Outputs); err != nil {
		return err
	}
	return ending(quire.Finished{State: p.State, Failure: p.Failure}, nil)
}

func (a *app) printLine(s string) error {
	var b bytes.Buffer
	b.WriteString(printable(s))
	b.WriteByte('\n')
	_, err := a.stdout.Write(b.Bytes())
	return err
}
