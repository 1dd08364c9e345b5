// Package runner runs one notebook on one connected kernel, cell by cell, and
// turns what the kernel says into a sequence of quire.Events. Its semantics are
// nbclient's: a cell is done after the shell reply and the iopub idle.
//
// It starts no process, touches no file and keeps no notebook: launching the
// kernel is the executor's business, rendering the events is the journal's.
package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quire"
	"quire/jupyter"
)

// Kernel is a connected kernel; a *jupyter.Client is one.
type Kernel interface {
	Send(ctx context.Context, ch jupyter.Channel, msgType string, content any) (msgID string, err error)
	Receive(ctx context.Context) (*jupyter.Message, error)
}

// Process is the kernel's process; a *jupyter.Process is one.
type Process interface {
	Interrupt() error
	Kill()
	Done() <-chan struct{}
	Exit() jupyter.Exit // valid after Done is closed
}

// Stop is the cause with which Run's context is cancelled: why the run is to
// end. Any other cause counts as a cancellation.
type Stop struct{ Failure quire.Failure } //nolint:errname // a cause of cancellation, no failure of the runner's

func (s *Stop) Error() string { return s.Failure.Message }

// Options bound a run. OutputNames are read from the kernel after the last cell.
type Options struct {
	Run         quire.RunSettings
	OutputNames []string
	Session     string // the kernel's, as its kernel_info_reply had it
	Memory      Memory // nil: nobody counts it

	Implementation string // the kernel's, as its kernel_info_reply had it
}

type run struct {
	kernel  Kernel
	process Process
	plan    *Plan
	opts    Options
	emit    func(quire.Event) error
	tr      *translator
	stopped *quire.Failure // why the run is being stopped, once it is
	session session
	served  bool  // the kernel has answered a request, on all channels
	killed  int64 // OOM kills before the cell that runs
}

// Run executes the plan's cells in order, from the first on, and passes every
// event to emit as it happens. It returns how the execution ended; Run itself
// does not emit that. An error means that emit failed: the run is then
// abandoned, with the kernel as it is.
//
// When ctx is cancelled the kernel is interrupted, and killed if it does not
// react within opts.Run.InterruptGrace. Run does not shut the kernel down.
func Run(ctx context.Context, plan *Plan, kernel Kernel, process Process, emit func(quire.Event) error, opts Options) (quire.Finished, error) {
	r := &run{
		kernel: kernel, process: process, plan: plan, opts: opts, emit: emit,
		tr: newTranslator(newBudget(opts.Run)), session: session{id: opts.Session},
	}
	r.keepOutput(ctx)
	for _, c := range plan.cells {
		if c.skip {
			if err := emit(quire.Event{CellFinished: &quire.CellFinished{Cell: c.index, ID: c.id, Status: quire.CellSkipped}}); err != nil {
				return quire.Finished{}, err
			}
			continue
		}
		end, err := r.cell(ctx, c)
		if err != nil || end != nil {
			return r.finish(ctx, end, err)
		}
	}
	return r.finish(ctx, &quire.Finished{State: quire.Succeeded}, nil)
}

// finish reads the output variables where the notebook came to its own end.
func (r *run) finish(ctx context.Context, end *quire.Finished, err error) (quire.Finished, error) {
	if err != nil {
		return quire.Finished{}, err
	}
	if len(r.opts.OutputNames) == 0 || r.stopped != nil || (end.Failure != nil && end.Failure.Kind != quire.CellFailed) {
		return *end, nil
	}
	vars, failure := r.variables(ctx)
	if failure != nil {
		return *failed(failure), nil
	}
	if err := r.emit(quire.Event{OutputVariables: &quire.OutputVariables{Variables: vars}}); err != nil {
		return quire.Finished{}, err
	}
	return *end, nil
}

// failed returns the end that a failure makes.
func failed(f *quire.Failure) *quire.Finished {
	if f.Kind == quire.Cancelled || f.Kind == quire.Limited {
		return &quire.Finished{State: quire.Aborted, Failure: f}
	}
	return &quire.Finished{State: quire.Failed, Failure: f}
}

// stopCause returns the failure that a cancelled context stands for.
func stopCause(ctx context.Context) *quire.Failure {
	if stop, ok := errors.AsType[*Stop](context.Cause(ctx)); ok {
		f := stop.Failure
		return &f
	}
	return &quire.Failure{Kind: quire.Cancelled, Message: "cancelled"}
}

func limitFailure(limit string, d time.Duration, what string) *quire.Failure {
	return &quire.Failure{
		Kind:    quire.Limited,
		Limit:   limit,
		Message: fmt.Sprintf("stopped: %s ran longer than its limit of %s", what, d),
	}
}

// RunTimeout returns the Stop for a run that exceeds its whole-run limit.
func RunTimeout(d time.Duration) *Stop {
	return &Stop{Failure: *limitFailure("run_timeout", d, "the notebook")}
}

// Stopped returns the end of a run whose context is cancelled.
func Stopped(ctx context.Context) quire.Finished {
	return *failed(stopCause(ctx))
}
