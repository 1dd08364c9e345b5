package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	quirev1 "quire/internal/gen/quire/v1"
)

// pollInterval is how often an operation is asked for whose end nobody tells.
const pollInterval = 500 * time.Millisecond

func (a *app) operationCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "operation",
		Short:   "Look at operations of a server: what every change and execution is",
		Long:    "Looks at operations. An execution's operation has the execution's id.\n\n" + remoteHelp,
		Example: "  quire operation wait ID",
	}, a.operationGet(&r, &format), a.operationWait(&r, &format), a.operationCancel(&r, &format))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) operationGet(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "get OPERATION",
		Short:   "Print an operation",
		Example: "  quire operation get ID -o json",
		Args:    arguments("OPERATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				op, err := c.operations.Get(ctx, &operation.GetOperationRequest{OperationId: args[0]})
				if err != nil {
					return err
				}
				return a.printOperation(op, *format)
			})
		},
	}
}

func (a *app) operationWait(r *remote, format *output) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "wait OPERATION",
		Short: "Wait for an operation to end",
		Long: "Waits for an operation to end and prints it. Exit status 1 if it did not succeed, or\n" +
			"if --timeout was over first; the operation then goes on.",
		Example: "  quire operation wait ID --timeout 1h",
		Args:    arguments("OPERATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				ctx, cancel := withTimeout(ctx, timeout)
				defer cancel()
				op, err := c.await(ctx, &operation.Operation{Id: args[0]})
				if err != nil {
					return notWaiting(ctx, "operation", args[0], err)
				}
				if err := a.printOperation(op, *format); err != nil {
					return err
				}
				return operationError(op)
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait, such as 10m (default: until it ends)")
	return cmd
}

func (a *app) operationCancel(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel OPERATION",
		Short:   "Ask an operation to stop",
		Example: "  quire operation cancel ID",
		Args:    arguments("OPERATION"),
		RunE:    a.cancel(r, format),
	}
}

// cancel is the body of both commands that stop an execution.
func (a *app) cancel(r *remote, format *output) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
			op, err := c.operations.Cancel(ctx, &operation.CancelOperationRequest{OperationId: args[0]})
			if err != nil {
				return err
			}
			return a.printOperation(op, *format)
		})
	}
}

// await returns the operation once it is done. It starts from what is known of
// it, and bears a server that is restarted meanwhile.
func (c *client) await(ctx context.Context, op *operation.Operation) (*operation.Operation, error) {
	known := op.GetCreatedAt() != nil
	for !op.GetDone() {
		next, err := c.operations.Get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()})
		switch {
		case err == nil:
			op, known = next, true
		case !known || !transient(err):
			return nil, err
		}
		if op.GetDone() {
			break
		}
		if err := c.untilNextLook(ctx, op); err != nil {
			return nil, err
		}
	}
	return op, nil
}

// untilNextLook returns when it is worth while to ask for the operation again:
// of an execution the server tells when it has ended.
func (c *client) untilNextLook(ctx context.Context, op *operation.Operation) error {
	if op.GetMetadata().MessageIs(&datasphere.ProjectExecutionMetadata{}) {
		if _, err := c.executions.Wait(ctx, &quirev1.WaitRequest{ExecutionId: op.GetId()}); err == nil {
			return nil
		}
	}
	return pause(ctx, pollInterval)
}

// settled waits for an operation that changes something to end, and returns
// its error as the call's own.
func (c *client) settled(ctx context.Context, op *operation.Operation, err error) (*operation.Operation, error) {
	if err != nil {
		return nil, err
	}
	if op, err = c.await(ctx, op); err != nil {
		return nil, err
	}
	return op, operationError(op)
}

// operationError returns the error of an operation that is done and has not
// succeeded.
func operationError(op *operation.Operation) error {
	if failure := op.GetError(); failure != nil {
		return &exitError{statusFailed, failure.GetMessage()}
	}
	var executed datasphere.ProjectExecutionResponse
	if op.GetResponse().MessageIs(&executed) && op.GetResponse().UnmarshalTo(&executed) == nil &&
		executed.GetExecutionStatus() != datasphere.ExecutionStatus_OK {
		return &exitError{statusFailed, "the notebook did not succeed; quire execution get " + op.GetId() + " says why"}
	}
	return nil
}

func (a *app) printOperation(op *operation.Operation, format output) error {
	if format == asJSON {
		return a.printMessage(op)
	}
	return a.printFields([][2]string{
		{"id", op.GetId()},
		{"description", op.GetDescription()},
		{"state", operationState(op)},
		{"error", op.GetError().GetMessage()},
		{"created", moment(op.GetCreatedAt())},
		{"created by", op.GetCreatedBy()},
		{"modified", moment(op.GetModifiedAt())},
	})
}

func operationState(op *operation.Operation) string {
	var executed datasphere.ProjectExecutionResponse
	switch {
	case !op.GetDone():
		return "in progress"
	case op.GetError() != nil:
		return "failed"
	case op.GetResponse().MessageIs(&executed) && op.GetResponse().UnmarshalTo(&executed) == nil:
		return "done, " + executed.GetExecutionStatus().String()
	}
	return "done"
}

// errWaited is the cause of a context whose time for waiting is over.
var errWaited = errors.New("waited long enough")

func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errWaited)
}

// notWaiting returns err, or what it means that the waiting was ended here
// while the execution or operation goes on.
func notWaiting(ctx context.Context, what, id string, err error) error {
	follow := "quire operation wait " + id
	if what == "execution" {
		follow = "quire execution watch " + id
	}
	_, limited := ctx.Deadline()
	switch {
	// The server knows the limit too, and may say that it is over before it is here.
	case errors.Is(context.Cause(ctx), errWaited), limited && status.Code(err) == codes.DeadlineExceeded:
		return &exitError{statusFailed, "the time to wait is over; the " + what + " goes on: " + follow}
	case interrupted(ctx) != nil:
		return &exitError{statusFailed, "interrupted; the " + what + " goes on: " + follow}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
