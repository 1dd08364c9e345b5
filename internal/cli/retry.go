package cli

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/metadata"

	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) executionRetry(r *remote, format *output) *cobra.Command {
	var key string
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "retry EXECUTION",
		Short: "Run the notebook of an execution that has ended once more",
		Long: "Runs the notebook of an execution that has ended once more, as it was submitted and\n" +
			"with the same inputs, whatever became of the file since. Prints the id of the new\n" +
			"execution; with --wait it goes on as execute --wait does.",
		Example: "  quire execution retry ID --wait",
		Args:    arguments("EXECUTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := c.retry(ctx, args[0], key)
				if err != nil {
					return err
				}
				if !wait {
					if *format == asJSON {
						return a.printMessage(e)
					}
					return a.printLine(e.GetId())
				}
				return a.follow(ctx, c, e.GetId(), timeout, *format)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "idempotency-key", "", "`UUID` of this request: repeated with the same one it starts nothing again")
	f.BoolVar(&wait, "wait", false, "wait for the end and show the progress")
	f.DurationVar(&timeout, "timeout", 0, "with --wait: how long to wait, such as 10m (default: until it ends)")
	return cmd
}

// retry starts the execution again, once: where no answer comes, the same
// request is sent again.
func (c *client) retry(ctx context.Context, id, key string) (*quirev1.Execution, error) {
	if key == "" {
		key = uuid.NewString()
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
	request := &quirev1.RetryExecutionRequest{ExecutionId: id}
	e, err := c.executions.Retry(ctx, request)
	if err == nil || !transient(err) {
		return e, err
	}
	if err := pause(ctx, firstRetry); err != nil {
		return nil, err
	}
	return c.executions.Retry(ctx, request)
}
