package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"quire"
	"quire/internal/crash"
	"quire/internal/journal"
)

// stopTimeout bounds the sending of one stop to an executor.
const stopTimeout = 5 * time.Second

// attend brings a claimed execution to its end, or to its next attempt:
//
//	start ──▶ follow ──▶ save the end
//	  │          │ executor gone
//	  └──error──▶└──▶ clean ──▶ journal the end, or a retry ──▶ save
//
// An execution that has a handle was started before; start is left out.
func (d *Dispatcher) attend(ctx context.Context, l *live) error {
	e := l.execution
	// One that was taken up may have an executor although no handle was stored.
	if e.Handle == nil && !l.recovered {
		if err := d.admit(ctx, l); err != nil {
			return err
		}
		if l.isCancelled() {
			return d.conclude(ctx, l, nil, aborted(l.why, "before it started"))
		}
	}
	if e.Handle == nil && l.recovered && d.endedUnstored(l) {
		return d.conclude(ctx, l, nil, d.lost(l, "the executor ended without finishing the notebook"))
	}
	handle := e.Handle
	if handle == nil {
		var err error
		if handle, err = d.start(ctx, l); err != nil {
			if ctx.Err() != nil {
				return err
			}
			d.opts.Logger.Error("start executor", "execution_id", e.ID, "error", err)
			d.letRecover(ctx, l, err)
			return d.conclude(ctx, l, nil, d.lost(l, explain("the executor could not be started", err)))
		}
		crash.At(crash.StartTold)
		if err := d.save(ctx, l, handle, l.snapshot(), nil); err != nil {
			return err
		}
		crash.At(crash.StartStored)
	}
	err := d.followOn(ctx, l, handle)
	if errors.Is(err, ErrExecutorGone) {
		crash.At(crash.LostNoticed)
		if err := d.backend.Clean(ctx, handle); err != nil {
			d.opts.Logger.Error("clean up after executor", "execution_id", e.ID, "error", err)
		}
		crash.At(crash.LostCleaned)
		if l.isCancelled() {
			return d.conclude(ctx, l, handle, aborted(l.why, "and its executor ended without a word"))
		}
		return d.conclude(ctx, l, handle, d.lost(l, explain("the executor ended without finishing the notebook", err)))
	}
	if unreadable(err) {
		if err := d.backend.Clean(ctx, handle); err != nil {
			d.opts.Logger.Error("clean up after executor", "execution_id", e.ID, "error", err)
		}
		return d.giveUp(ctx, l, handle)
	}
	if err != nil {
		return err
	}
	return d.saveEnd(ctx, l, handle)
}

// start launches an executor.
func (d *Dispatcher) start(ctx context.Context, l *live) (quire.Handle, error) {
	crash.At(crash.StartBegin)
	job, err := d.jobs.Job(ctx, l.execution)
	if err != nil {
		return nil, err
	}
	crash.At(crash.StartJob)
	return d.backend.Start(ctx, job)
}

// followOn follows the executor through whatever may pass: a full disk, a
// backend that does not answer. While it is not known that the executor is
// gone, it may be running.
func (d *Dispatcher) followOn(ctx context.Context, l *live, handle quire.Handle) error {
	for {
		err := d.follow(ctx, l, handle)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrExecutorGone) || errors.Is(err, ErrClaimLost) || unreadable(err) {
			return err
		}
		d.opts.Logger.Error("follow executor", "execution_id", l.execution.ID, "error", err)
		if !d.pause(ctx) {
			return context.Cause(ctx)
		}
	}
}

// unreadable reports whether err says that the journal is lost for good.
func unreadable(err error) bool {
	return errors.Is(err, journal.ErrCorrupt) || errors.Is(err, fs.ErrNotExist)
}

// giveUp ends an execution whose journal can neither be read nor written.
func (d *Dispatcher) giveUp(ctx context.Context, l *live, handle quire.Handle) error {
	p := l.snapshot()
	p.State, p.Timing.Finished = quire.Failed, d.opts.Now().UTC()
	p.Failure = &quire.Failure{Kind: quire.QuireFault, Message: "the execution's journal is damaged"}
	return d.save(ctx, l, handle, p, quire.Errorf(quire.Internal, "%s", p.Failure.Message))
}

// follow applies what the executor tells until it has ended, and stops it when
// the execution is cancelled. Changes of the state are stored as they come;
// the rest is in memory, and in the journal.
func (d *Dispatcher) follow(ctx context.Context, l *live, handle quire.Handle) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer cancel(nil)
	stopping.Go(func() {
		select {
		case <-l.cancelled:
			d.stop(ctx, l, handle)
		case <-ctx.Done():
		}
	})
	path := d.jobs.JournalPath(l.execution.ID)
	err := d.backend.Follow(ctx, handle, func(size int64) {
		changed, err := l.grow(path, size)
		p := l.snapshot()
		if !p.Timing.Kernel.IsZero() {
			l.letStart()
		}
		if err == nil && changed && p.State != quire.Queued && !p.State.Ended() {
			crash.At(crash.ProgressBegin)
			err = d.save(ctx, l, handle, p, nil)
			crash.At(crash.ProgressStored)
		}
		if err != nil {
			cancel(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause // why ctx was cancelled, by us or from outside
	}
	return err
}

// stop asks the executor to end, for the execution was cancelled, until that
// has reached it. It is sent once even if ctx ends meanwhile.
func (d *Dispatcher) stop(ctx context.Context, l *live, handle quire.Handle) {
	for {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		err := d.backend.Stop(limited, handle, l.why)
		cancel()
		if err == nil {
			return
		}
		d.opts.Logger.Error("stop executor", "execution_id", l.execution.ID, "error", err)
		if !d.pause(ctx) {
			return
		}
	}
}

// conclude writes the end of an attempt that no executor writes any more into
// the journal, unless it is there already, and stores it.
func (d *Dispatcher) conclude(ctx context.Context, l *live, handle quire.Handle, end quire.Finished) error {
	path := d.jobs.JournalPath(l.execution.ID)
	for {
		err := d.appendEnd(ctx, l, path, end)
		if err == nil {
			crash.At(crash.LostJournaled)
			return d.saveEnd(ctx, l, handle)
		}
		if unreadable(err) {
			return d.giveUp(ctx, l, handle)
		}
		d.opts.Logger.Error("journal the end", "execution_id", l.execution.ID, "error", err)
		if !d.pause(ctx) {
			return ctx.Err()
		}
	}
}

func (d *Dispatcher) appendEnd(ctx context.Context, l *live, path string, end quire.Finished) error {
	var size int64
	w, err := journal.Open(path, &journal.WriterOptions{Durable: func(n int64) { size = n }, Now: d.opts.Now})
	if err != nil {
		return err
	}
	if _, err := l.grow(path, size); err != nil {
		return errors.Join(err, w.Close())
	}
	begun := w.Seq() > 0 && l.snapshot().Attempt >= l.attempt
	if done := w.Finished(); done == nil || (done.Retry && !begun) {
		if !begun {
			// The attempt left no trace: it still counts.
			err = w.Append(quire.Event{Started: &quire.Started{Attempt: int32(l.attempt)}}) //nolint:gosec // a handful of attempts
		}
		err = errors.Join(err, w.Append(quire.Event{Finished: &end}))
	}
	if err := errors.Join(err, w.Sync(ctx), w.Close()); err != nil {
		return err
	}
	_, err = l.grow(path, size)
	return err
}

// saveEnd stores the end that the journal holds.
func (d *Dispatcher) saveEnd(ctx context.Context, l *live, handle quire.Handle) error {
	p := l.snapshot()
	if p.State == quire.Queued {
		handle = nil // of the attempt before
	} else if !p.State.Ended() {
		return fmt.Errorf("the journal ends in the state %s", p.State)
	}
	var failed *quire.Error
	if p.Failure != nil && p.Failure.Kind == quire.QuireFault {
		failed = quire.Errorf(quire.Internal, "%s", p.Failure.Message)
	}
	before, after := crash.EndBegin, crash.EndStored
	if p.State == quire.Queued {
		before, after = crash.RetryBegin, crash.RetryStored
	}
	crash.At(before)
	if err := d.save(ctx, l, handle, p, failed); err != nil {
		return err
	}
	crash.At(after)
	return nil
}

// save stores progress, again and again while the store fails.
func (d *Dispatcher) save(ctx context.Context, l *live, handle quire.Handle, p quire.Progress, failed *quire.Error) error {
	for {
		err := d.store.SaveProgress(ctx, l.execution.ID, l.execution.Claim, handle, p, failed)
		if err == nil || errors.Is(err, ErrClaimLost) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		d.opts.Logger.Error("save progress", "execution_id", l.execution.ID, "error", err)
		if !d.pause(ctx) {
			return context.Cause(ctx)
		}
	}
}
