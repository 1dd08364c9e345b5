package runner

import (
	"context"
	"sync"
	"time"
)

// phase is how far an exchange with the kernel is:
//
//	running ──cell timeout or cancelled──▶ interrupted ──grace over──▶ killed ──▶ over
//	   └──────reply──▶ draining (idle may have been dropped) ──▶ over
//
// From each of them, the end of the kernel's process leads to lost, in which
// its last words are read. A child that has inherited the kernel's sockets
// would otherwise keep the connections alive for ever.
type phase int

const (
	running phase = iota
	draining
	interrupted
	killed
	lost
	over
)

// lastWords bounds the reading of what a dead kernel has still sent.
const lastWords = 200 * time.Millisecond

// limit returns a context that ends with the phase: with ctx while the cell
// runs, when the phase's time is over, and when the kernel's process has
// ended. The caller calls release.
func (r *run) limit(ctx context.Context, p phase) (limited context.Context, release func()) {
	var d time.Duration
	if p == running {
		d = r.opts.Run.CellTimeout
	} else {
		ctx = context.WithoutCancel(ctx)
		d = map[phase]time.Duration{
			draining: r.opts.Run.IOPubTimeout, interrupted: r.opts.Run.InterruptGrace, killed: exitWait, lost: lastWords,
		}[p]
	}
	var cancel context.CancelFunc
	if d > 0 {
		limited, cancel = context.WithTimeout(ctx, d)
	} else {
		limited, cancel = context.WithCancel(ctx)
	}
	var watching sync.WaitGroup
	if p != lost {
		watching.Go(func() {
			select {
			case <-r.process.Done():
				cancel()
			case <-limited.Done():
			}
		})
	}
	return limited, func() { cancel(); watching.Wait() }
}

// escalate returns the phase that follows when the time of p is over.
func (r *run) escalate(ctx context.Context, p phase, x *exchange) phase {
	if p != lost && r.ended() {
		return lost
	}
	switch p {
	case running:
		if ctx.Err() != nil {
			r.stopped = stopCause(ctx)
		} else {
			r.stopped = limitFailure("cell_timeout", r.opts.Run.CellTimeout, "the cell")
		}
		// A kernel that can't be interrupted is killed after the grace period.
		_ = r.process.Interrupt()
		return interrupted
	case interrupted:
		r.process.Kill()
		return killed
	case killed, lost:
		x.died = r.died()
	case draining, over:
	}
	return over
}

func (r *run) ended() bool {
	select {
	case <-r.process.Done():
		return true
	default:
		return false
	}
}
