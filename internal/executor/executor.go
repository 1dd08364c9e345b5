// Package executor runs one job from start to end beside its kernel: it finds
// and launches the kernel, lets the runner run the cells, journals every event
// before anyone is told, and writes the executed notebook. It is the body of
// the process `quire executor`, and of `quire run`.
//
// It knows no server, no store and no queue: a job comes in, a journal and a
// notebook come out.
package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"quire"
	"quire/internal/crash"
	"quire/internal/journal"
	"quire/internal/runner"
	"quire/jupyter"
	"quire/nbformat"
)

// Options are what differs between a process of its own and a command; nil
// means none of it.
type Options struct {
	Logger  *slog.Logger
	Opened  func() error      // called once the journal is this executor's alone
	Observe func(quire.Event) // called with each event, in order
	Durable func(size int64)  // called as the journal grows on disk, see journal.WriterOptions
	Reap    func()            // ends whatever the kernel has left running
	RunDir  string            // private folder for the kernel's sockets; empty: one is made and removed

	enclosure *enclosure // nil: there is none
	slot      *slot      // nil: there is no kernel yet
}

type execution struct {
	job     quire.Job
	opts    Options
	journal *journal.Writer
	input   *nbformat.Notebook
	receipt *quire.Receipt
	used    *quire.Event // the last usage, once the kernel has run; it is told with the end

	telling sync.Mutex // held while an event is journaled and observed

	lockKept func() error // waits until the environment's lock is on disk
}

// Run runs the job and returns how it ended, after that is in the journal and
// on disk, and the executed notebook beside it. A failing notebook is no
// error: an error means that the journal could not be kept.
//
// Cancel ctx with a *runner.Stop to say why the run is to end.
func Run(ctx context.Context, job quire.Job, opts *Options) (quire.Finished, error) {
	e := &execution{job: job, lockKept: func() error { return nil }}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Logger == nil {
		e.opts.Logger = slog.New(slog.DiscardHandler)
	}
	w, err := journal.Open(job.JournalPath(), &journal.WriterOptions{Durable: e.opts.Durable, LastWords: e.lastWords})
	if err != nil {
		return quire.Finished{}, err
	}
	e.journal = w
	end, err := e.run(ctx)
	return end, errors.Join(err, w.Close())
}

func (e *execution) run(ctx context.Context) (quire.Finished, error) {
	if e.opts.Opened != nil {
		if err := e.opts.Opened(); err != nil {
			return quire.Finished{}, err
		}
	}
	end, err := e.attempt(ctx)
	if e.opts.Reap != nil {
		e.opts.Reap()
	}
	if err != nil {
		return quire.Finished{}, err
	}
	crash.At(crash.NotebookBegin)
	if err := e.writeNotebook(ctx, end); quire.Shortage(err) != nil {
		// The journal has all of it, and the server renders it from there.
		e.opts.Logger.Error("keep the executed notebook", "error", err)
	} else if err != nil {
		return quire.Finished{}, err
	}
	crash.At(crash.NotebookPlaced)
	if e.used != nil {
		if err := e.emitLater(*e.used); err != nil {
			return quire.Finished{}, err
		}
	}
	if err := e.emit(quire.Event{Finished: &end}); err != nil {
		return quire.Finished{}, err
	}
	if err := e.journal.Sync(context.WithoutCancel(ctx)); err != nil {
		return quire.Finished{}, err
	}
	crash.At(crash.FinishJournaled)
	return end, nil
}

// emit journals an event and tells of it.
func (e *execution) emit(ev quire.Event) error { return e.tell(ev, e.journal.Append) }

// emitLater is emit for what need not be on disk before the next event.
func (e *execution) emitLater(ev quire.Event) error { return e.tell(ev, e.journal.Defer) }

func (e *execution) tell(ev quire.Event, put func(quire.Event) error) error {
	e.telling.Lock()
	defer e.telling.Unlock()
	if ev.Time.IsZero() {
		ev.Time = time.Now().UTC()
	}
	if err := put(ev); err != nil {
		return err
	}
	ev.Seq = e.journal.Seq()
	if e.opts.Observe != nil {
		e.opts.Observe(ev)
	}
	return nil
}

// attempt runs the notebook up to its end, which it does not emit.
func (e *execution) attempt(ctx context.Context) (quire.Finished, error) {
	plan, spec, err := e.prepare()
	defer func() { _ = e.lockKept() }() // where nobody has come to ask
	if err != nil {
		e.opts.Logger.Error("cannot start", "error", err)
		if err := e.emit(quire.Event{Started: &quire.Started{Attempt: int32(e.job.Attempt)}}); err != nil { //nolint:gosec // a handful of attempts
			return quire.Finished{}, err
		}
		return fault(err), nil
	}
	started := &quire.Started{Attempt: int32(e.job.Attempt), Cells: plan.Cells, Injected: plan.Injected, Price: int32(e.job.Terms.Spec.UnitsPerSecond)} //nolint:gosec // as above
	if err := e.emit(quire.Event{Started: started}); err != nil {
		return quire.Finished{}, err
	}
	if e.job.Environment != nil {
		lease, err := e.enterEnvironment(ctx)
		if err == nil {
			defer lease.Release()
			spec, err = jupyter.FindKernel(e.job.KernelPath, e.job.Kernel)
		}
		if err != nil {
			return e.unable(ctx, "the environment is not there", err), nil
		}
	}
	if err := e.emit(quire.Event{KernelStarting: &quire.KernelStarting{Kernel: spec.Name, Bounds: e.opts.enclosure.bounds(), Receipt: e.receipt}}); err != nil {
		return quire.Finished{}, err
	}
	if d := e.job.Run.RunTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, runner.RunTimeout(d))
		defer cancel()
	}
	ctx, release := limitTerms(ctx, e.job.Terms)
	defer release()
	k := e.opts.slot.take(ctx, spec, e.job, e.opts.Logger)
	if k == nil {
		k, err = startKernel(ctx, spec, e.job, e.opts)
	}
	if err != nil {
		return e.unable(ctx, "kernel did not start", err), nil
	}
	defer k.close()
	if err := e.lockKept(); err != nil {
		return e.unable(ctx, "what it runs in cannot be kept", err), nil
	}
	if err := e.emitLater(quire.Event{KernelReady: k.ready()}); err != nil { // the run's first event comes at once
		return quire.Finished{}, err
	}
	usage := startSampler(ctx, k.used, e.emitLater, e.emit)
	end, err := runner.Run(ctx, plan, k.client, k, e.emit, runner.Options{
		Run: e.job.Run, OutputNames: e.job.OutputNames, Session: k.info.Session, Implementation: k.info.Implementation, Memory: k,
	})
	used := usage.end()
	e.used = &used
	if err == nil && !stoppedByForce(end) {
		k.shutdown(ctx)
	}
	return end, err
}

// stoppedByForce reports whether the end came from outside: the kernel then
// gets no more time of its own.
func stoppedByForce(end quire.Finished) bool { return end.State == quire.Aborted }

// unable is the end of an attempt that came to no kernel.
func (e *execution) unable(ctx context.Context, what string, err error) quire.Finished {
	if ctx.Err() != nil {
		return runner.Stopped(ctx)
	}
	e.opts.Logger.Error("cannot run the notebook", "reason", what, "error", err)
	return fault(err)
}

// prepare reads the notebook, finds its kernel, keeps the receipt of both and
// plans the run. The kernel of an environment that the project declares is
// found later, when that is there.
func (e *execution) prepare() (*runner.Plan, jupyter.Kernelspec, error) {
	data, err := os.ReadFile(e.job.InputPath())
	if err != nil {
		return nil, jupyter.Kernelspec{}, fmt.Errorf("read notebook: %w", err)
	}
	if e.input, err = nbformat.Parse(data); err != nil {
		return nil, jupyter.Kernelspec{}, err
	}
	if e.receipt, err = newReceipt(e.job, data); err != nil {
		return nil, jupyter.Kernelspec{}, err
	}
	if e.job.Environment != nil {
		return runner.NewPlan(e.input, "python", e.job.Cell, e.job.Inputs), jupyter.Kernelspec{}, nil
	}
	spec, err := jupyter.FindKernel(e.job.KernelPath, cmp.Or(e.job.Kernel, e.input.KernelName(), jupyter.DefaultKernel))
	if err != nil {
		return nil, jupyter.Kernelspec{}, err
	}
	lock, err := lockOf(spec)
	if err != nil {
		return nil, jupyter.Kernelspec{}, err
	}
	e.keepLock(lock)
	return runner.NewPlan(e.input, spec.Language, e.job.Cell, e.job.Inputs), spec, nil
}

// lastWords are the journal's last events where the disk is full.
func (e *execution) lastWords(why error, begun bool) []quire.Event {
	end := fault(why)
	words := []quire.Event{{Finished: &end}}
	if !begun {
		words = append([]quire.Event{{Started: &quire.Started{Attempt: int32(e.job.Attempt)}}}, words...) //nolint:gosec // a handful of attempts
	}
	return words
}

// fault is the end of an execution that Quire could not run.
func fault(err error) quire.Finished {
	f := &quire.Failure{Kind: quire.QuireFault, Message: "Quire could not run the notebook"}
	if qe, ok := errors.AsType[*quire.Error](err); ok {
		f.Message = qe.Error()
	} else if short := quire.Shortage(err); short != nil {
		f.Message += ": " + short.Message
	}
	return quire.Finished{State: quire.Failed, Failure: f}
}
