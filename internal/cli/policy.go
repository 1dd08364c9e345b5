package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	quirev1 "quire/internal/gen/quire/v1"
)

// policyOptions are what a project may take of the server, as flags.
type policyOptions struct {
	maxRunning, maxQueued, priority, maxAttempts, keepLast int32
	keepFor                                                time.Duration
	units                                                  string
	noLearning                                             bool
}

// policyFlags are their names, with the field of quire.v1.Policy that each sets.
var policyFlags = [][2]string{
	{"max-running", "max_running"},
	{"max-queued", "max_queued"},
	{"priority", "priority"},
	{"max-attempts", "max_attempts"},
	{"keep-for", "keep_for"},
	{"keep-last", "keep_last"},
	{"no-learn", "no_learning"},
}

func (o *policyOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Int32Var(&o.maxRunning, "max-running", 0, "executions at a time; -1 for no limit, 0 for the server's")
	f.Int32Var(&o.maxQueued, "max-queued", 0, "executions that wait; -1 for no limit, 0 for the server's")
	f.Int32Var(&o.priority, "priority", 0, "from -100 to 100: executions of a project with a greater one go first")
	f.Int32Var(&o.maxAttempts, "max-attempts", 0, "attempts of an execution that the server loses; 0 for the server's")
	f.DurationVar(&o.keepFor, "keep-for", 0, "how long ended executions are kept, such as 720h; -1s for ever, 0 for the server's")
	f.Int32Var(&o.keepLast, "keep-last", 0, "how many ended executions are kept; -1 for all, 0 for the server's")
	f.BoolVar(&o.noLearning, "no-learn", false, "import nothing ahead that the project's notebooks were seen to import; --no-learn=false for the server's choice")
	f.StringVar(&o.units, "unit-balance", "", "`units` that the project has left, or none for no limit")
}

// changed reports whether the command names any of them.
func (o *policyOptions) changed(cmd *cobra.Command) bool {
	for _, flag := range policyFlags {
		if cmd.Flags().Changed(flag[0]) {
			return true
		}
	}
	return cmd.Flags().Changed("unit-balance")
}

// balance returns the balance that the command names; nil is no limit.
func (o *policyOptions) balance() (*wrapperspb.Int64Value, error) {
	if o.units == "" || o.units == "none" {
		return nil, nil
	}
	n, err := strconv.ParseInt(o.units, 10, 64)
	if err != nil {
		return nil, misuse("--unit-balance %q must be a whole number, or none", o.units)
	}
	return wrapperspb.Int64(n), nil
}

// savePolicy sets what the command names.
func (o *policyOptions) savePolicy(ctx context.Context, cmd *cobra.Command, c *client, project string) error {
	request := &quirev1.UpdatePolicyRequest{
		ProjectId: project, UpdateMask: &fieldmaskpb.FieldMask{},
		Policy: &quirev1.Policy{
			MaxRunning: o.maxRunning, MaxQueued: o.maxQueued, Priority: o.priority,
			MaxAttempts: o.maxAttempts, KeepFor: limitOf(o.keepFor), KeepLast: o.keepLast,
			NoLearning: o.noLearning,
		},
	}
	for _, flag := range policyFlags {
		if cmd.Flags().Changed(flag[0]) {
			request.UpdateMask.Paths = append(request.UpdateMask.Paths, flag[1])
		}
	}
	if len(request.UpdateMask.Paths) > 0 {
		if _, err := c.policies.Update(ctx, request); err != nil {
			return err
		}
	}
	if !cmd.Flags().Changed("unit-balance") {
		return nil
	}
	balance, err := o.balance()
	if err != nil {
		return err
	}
	op, err := c.projects.SetUnitBalance(ctx, &datasphere.SetUnitBalanceRequest{ProjectId: project, UnitBalance: balance})
	_, err = c.settled(ctx, op, err)
	return err
}

// policyFields are those of a project's policy and balance that are set.
func (c *client) policyFields(ctx context.Context, project string) ([][2]string, error) {
	p, err := c.policies.Get(ctx, &quirev1.GetPolicyRequest{ProjectId: project})
	if err != nil {
		return nil, err
	}
	b, err := c.projects.GetUnitBalance(ctx, &datasphere.GetUnitBalanceRequest{ProjectId: project})
	if err != nil {
		return nil, err
	}
	balance := ""
	if b.GetUnitBalance() != nil {
		balance = strconv.FormatInt(b.GetUnitBalance().GetValue(), 10)
	}
	return [][2]string{
		{"max running", boundText(p.GetMaxRunning())},
		{"max queued", boundText(p.GetMaxQueued())},
		{"priority", number(p.GetPriority())},
		{"max attempts", number(p.GetMaxAttempts())},
		{"keep for", keepText(p.GetKeepFor())},
		{"keep last", boundText(p.GetKeepLast())},
		{"learning", learningText(p.GetNoLearning())},
		{"unit balance", balance},
	}, nil
}

// learningText says nothing where the server decides.
func learningText(no bool) string {
	if no {
		return "none"
	}
	return ""
}

func keepText(d *durationpb.Duration) string {
	if d.AsDuration() < 0 {
		return "ever"
	}
	return limitText(d)
}

// boundText is a bound where 0 is unset and a negative number is none.
func boundText(n int32) string {
	if n < 0 {
		return "no limit"
	}
	return number(n)
}

// number is "" for 0.
func number(n int32) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}
