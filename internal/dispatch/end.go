package dispatch

import (
	"cmp"
	"context"
	"errors"

	"quire"
)

// lost is the end of an attempt whose executor is gone.
func (d *Dispatcher) lost(l *live, message string) quire.Finished {
	return quire.Finished{
		State:   quire.Failed,
		Failure: &quire.Failure{Kind: quire.QuireFault, Message: message},
		Retry:   l.attempt < cmp.Or(l.execution.Terms.MaxAttempts, d.opts.MaxAttempts),
	}
}

// explain adds to a message why err came about, where a client may know that.
func explain(message string, err error) string {
	if fault, ok := errors.AsType[*ExecutorError](err); ok {
		return message + ": " + fault.Why.Message
	}
	if short := quire.Shortage(err); short != nil {
		return message + ": " + short.Message
	}
	return message
}

// letRecover waits, longer with each attempt, where the machine is at fault:
// the next attempt would only find the same.
func (d *Dispatcher) letRecover(ctx context.Context, l *live, err error) {
	_, told := errors.AsType[*ExecutorError](err)
	if !told && quire.Shortage(err) == nil {
		return
	}
	for range 1 << min(l.attempt, 5) {
		if !d.pause(ctx) {
			return
		}
	}
}

// aborted is the end of an execution that was stopped, with when or how.
func aborted(why quire.Failure, how string) quire.Finished {
	why.Message += " " + how
	return quire.Finished{State: quire.Aborted, Failure: &why}
}
