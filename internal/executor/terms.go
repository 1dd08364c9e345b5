package executor

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"quire"
	"quire/internal/runner"
)

// limitTerms returns a context that ends with a *runner.Stop when the
// execution has cost what it may, or has been idle for too long. The caller
// calls release.
func limitTerms(ctx context.Context, terms quire.Terms) (limited context.Context, release func()) {
	ctx, stop := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	if price := terms.Spec.UnitsPerSecond; terms.MaxUnits > 0 && price > 0 {
		var expire context.CancelFunc
		ctx, expire = context.WithTimeoutCause(ctx, time.Duration(terms.MaxUnits)*time.Second/time.Duration(price), unitsSpent(terms.MaxUnits))
		context.AfterFunc(ctx, expire)
	}
	if terms.StaleAfter > 0 {
		watch := &idleWatch{after: terms.StaleAfter, cpus: max(terms.Spec.CPUs, 1), used: func() time.Duration { return usedBelow(os.Getpid()) }}
		watching.Go(func() {
			if watch.wait(ctx) {
				stop(idleTooLong(terms.StaleAfter))
			}
		})
	}
	return ctx, func() { stop(nil); watching.Wait() }
}

func unitsSpent(most int64) *runner.Stop {
	return &runner.Stop{Failure: quire.Failure{
		Kind: quire.Limited, Limit: "max_units_per_execution",
		Message: fmt.Sprintf("stopped: the execution has cost its limit of %d units", most),
	}}
}

func idleTooLong(after time.Duration) *runner.Stop {
	return &runner.Stop{Failure: quire.Failure{
		Kind: quire.Limited, Limit: "stale_exec_timeout",
		Message: fmt.Sprintf("stopped: its load stayed under 1%% for %s", after),
	}}
}
