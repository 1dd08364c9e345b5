// Package dispatch brings queued executions to a backend and brings what their
// executors tell into the store: admission, claims, recovery after a restart,
// retries after a lost executor. It is the only writer of an execution's state
// between its submission and its end.
//
// How an executor is started and found again is a Backend's business; what a
// client may see is the service's.
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"quire"
	"quire/internal/crash"
)

// Jobs makes the job of an execution's next attempt.
type Jobs interface {
	// Job returns the job and writes it into its folder.
	Job(ctx context.Context, e quire.Execution) (quire.Job, error)
	// JournalPath returns where the execution's journal is, or will be.
	JournalPath(id quire.ExecutionID) string
}

// Options tune a Dispatcher; nil and zero fields mean the defaults.
type Options struct {
	MaxRunning           int           // executions at a time; default 4
	MaxRunningPerProject int           // where a project's policy does not say; default: no limit
	MaxStarting          int           // of those, before their kernel has answered; default twice the processors
	StartPatience        time.Duration // after which a slow start lets others start; default 2 s
	MaxAttempts          int           // of an execution whose terms do not say; default 3
	Lease                time.Duration // of a claim; renewed at a third of it; default 30 s
	Retry                time.Duration // after which a store that failed is tried again; default 1 s
	Meter                time.Duration // between two looks at what projects have spent; default 1 s
	Logger               *slog.Logger
	Metrics              *Metrics
	Now                  func() time.Time
}

// Dispatcher runs executions. Create it with New, then call Run once.
type Dispatcher struct {
	store   Store
	backend Backend
	jobs    Jobs
	opts    Options
	owner   string
	wake    chan struct{} // holds a value while there may be something to claim

	mu       sync.Mutex
	live     map[quire.ExecutionID]*live
	starting int           // of live, those that hold back further starts
	claimed  chan struct{} // closed and replaced when an execution enters live
	// cancelled holds executions that are to end and are not in live: queued
	// ones, which need no free slot for it, and one that is just being claimed.
	cancelled map[quire.ExecutionID]bool
}

// New returns a dispatcher that does nothing before Run.
func New(store Store, backend Backend, jobs Jobs, opts *Options) *Dispatcher {
	d := &Dispatcher{
		store: store, backend: backend, jobs: jobs, owner: quire.NewID(),
		wake: make(chan struct{}, 1), claimed: make(chan struct{}),
		live: map[quire.ExecutionID]*live{}, cancelled: map[quire.ExecutionID]bool{},
	}
	if opts != nil {
		d.opts = *opts
	}
	d.opts.setDefaults()
	return d
}

func (o *Options) setDefaults() {
	if o.MaxRunning <= 0 {
		o.MaxRunning = 4
	}
	if o.MaxRunningPerProject <= 0 {
		o.MaxRunningPerProject = -1
	}
	if o.MaxStarting <= 0 {
		o.MaxStarting = 2 * runtime.NumCPU()
	}
	if o.StartPatience <= 0 {
		o.StartPatience = 2 * time.Second
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 3
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Retry <= 0 {
		o.Retry = time.Second
	}
	if o.Meter <= 0 {
		o.Meter = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Run takes up what an earlier dispatcher of this store has left, then claims
// and runs executions until ctx ends. It returns after it has let go of
// everything; the executors run on and are taken up by the next Run.
//
// The caller makes sure that no other dispatcher works on the store.
func (d *Dispatcher) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	renew := time.NewTicker(d.opts.Lease / 3)
	defer renew.Stop()
	for !d.recover(ctx, &running) {
		if !d.pause(ctx) {
			return
		}
	}
	running.Go(func() { d.meter(ctx) })
	for {
		if err := d.claim(ctx, &running); err != nil && ctx.Err() == nil {
			d.opts.Logger.Error("claim executions", "error", err)
			if !d.pause(ctx) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-renew.C:
			if err := d.store.RenewClaims(ctx, d.owner, d.until()); err != nil && ctx.Err() == nil {
				d.opts.Logger.Error("renew claims", "error", err)
			}
		}
	}
}

// pause waits before a failed store is tried again, and reports false when ctx ended.
func (d *Dispatcher) pause(ctx context.Context) bool {
	timer := time.NewTimer(d.opts.Retry)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (d *Dispatcher) until() time.Time { return d.opts.Now().Add(d.opts.Lease) }

// recover takes up every execution that is under way: all their leases are of
// dispatchers that are gone. What was cancelled in the queue is remembered.
func (d *Dispatcher) recover(ctx context.Context, running *sync.WaitGroup) bool {
	cancelled, err := d.store.Cancelled(ctx)
	if err != nil {
		d.opts.Logger.Error("look for cancelled executions", "error", err)
		return false
	}
	for _, id := range cancelled {
		d.Cancel(id)
	}
	abandoned, err := d.store.ClaimAbandoned(ctx, d.owner, d.opts.Now().Add(leaseHorizon), d.until())
	if err != nil {
		d.opts.Logger.Error("take up executions", "error", err)
		d.owner = quire.NewID() // the store may have done it all the same: what is ours is not abandoned
		return false
	}
	for _, e := range abandoned {
		d.opts.Logger.Info("execution taken up", "execution_id", e.ID, "state", e.State)
		d.begin(ctx, newLive(e, true), running)
	}
	return true
}

// leaseHorizon is later than the end of any lease.
const leaseHorizon = 1000 * time.Hour

// claim begins executions while slots are free.
func (d *Dispatcher) claim(ctx context.Context, running *sync.WaitGroup) error {
	for _, id := range d.toCancel() {
		e, ok, err := d.store.ClaimExecution(ctx, id, d.owner, d.until())
		if err != nil {
			return err
		}
		if ok {
			d.begin(ctx, newLive(e, false), running)
		} else {
			d.forgetCancelled(id)
		}
	}
	for d.free() {
		crash.At(crash.ClaimBegin)
		e, ok, err := d.store.ClaimQueued(ctx, d.owner, d.until(), d.opts.MaxRunningPerProject)
		if err != nil || !ok {
			return err
		}
		crash.At(crash.ClaimStored)
		d.begin(ctx, newLive(e, false), running)
	}
	return nil
}

func (d *Dispatcher) toCancel() []quire.ExecutionID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.cancelled))
}

func (d *Dispatcher) forgetCancelled(id quire.ExecutionID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.cancelled, id)
}

func (d *Dispatcher) free() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.live) < d.opts.MaxRunning && d.starting < d.opts.MaxStarting
}

// begin attends to a claimed execution in a goroutine of its own.
func (d *Dispatcher) begin(ctx context.Context, l *live, running *sync.WaitGroup) {
	e := l.execution
	d.mu.Lock()
	if d.cancelled[e.ID] {
		delete(d.cancelled, e.ID)
		l.cancel(byRequest) // after the claim had read the execution
	}
	d.live[e.ID] = l
	d.holdStarts(l)
	close(d.claimed)
	d.claimed = make(chan struct{})
	d.mu.Unlock()
	running.Go(func() {
		defer d.end(l)
		err := d.attend(ctx, l)
		switch {
		case err == nil:
			d.opts.Metrics.ended(l.snapshot(), e.CreatedAt)
		case ctx.Err() != nil:
			// Let go of: the executor runs on.
		case errors.Is(err, ErrClaimLost):
			d.opts.Logger.Error("claim lost", "execution_id", e.ID)
		default:
			d.opts.Logger.Error("attend execution", "execution_id", e.ID, "error", err)
		}
	})
}

// end forgets the execution and frees its slot.
func (d *Dispatcher) end(l *live) {
	d.mu.Lock()
	delete(d.live, l.execution.ID)
	if l.isCancelled() && l.snapshot().State == quire.Queued {
		d.cancelled[l.execution.ID] = true // while the retry was being stored
	}
	d.mu.Unlock()
	l.close()
	l.letStart()
	d.Wake()
}

// Wake says that something was queued, or that a slot is free.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Cancel says that the store holds a request to stop the execution.
func (d *Dispatcher) Cancel(id quire.ExecutionID) {
	d.mu.Lock()
	l := d.live[id]
	if l == nil {
		d.cancelled[id] = true
	}
	d.mu.Unlock()
	if l != nil {
		l.cancel(byRequest)
		return
	}
	d.Wake()
}

// Live returns the progress of an execution that this dispatcher attends to.
func (d *Dispatcher) Live(id quire.ExecutionID) (quire.Progress, bool) {
	d.mu.Lock()
	l := d.live[id]
	d.mu.Unlock()
	if l == nil {
		return quire.Progress{}, false
	}
	return l.snapshot(), true
}

// Journal returns how many bytes of an execution's journal are known to be
// durable, and a channel that is closed when that may have changed. For an
// execution that is not live it returns 0: ask the store, after this call,
// whether it has ended or waits.
func (d *Dispatcher) Journal(id quire.ExecutionID) (durable int64, live bool, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.live[id]; l != nil {
		durable, changed = l.told()
		return durable, true, changed
	}
	return 0, false, d.claimed
}
