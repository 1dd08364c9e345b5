package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruption is the cause of a context that a signal has ended.
type interruption struct{ signal syscall.Signal }

func (i *interruption) Error() string { return "interrupted" }

// status is what a shell reports for a program that the signal has ended.
func (i *interruption) status() int { return statusSignal + int(i.signal) }

// interruptible returns a context that ends, with the cause that why gives, at
// the first SIGINT, SIGTERM or SIGHUP, or when ctx ends, which counts as
// SIGTERM. A second signal has its own effect, which is to end the program at
// once. The caller calls release, which waits for why.
func interruptible(ctx context.Context, why func(*interruption) error) (_ context.Context, release func()) {
	ended := ctx.Done()
	// Only we end it, or the cause would be whichever comes first of two that
	// the same signal has.
	ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	signals := make(chan os.Signal, 1)
	released, done := make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(done)
		i := &interruption{syscall.SIGTERM}
		select {
		case <-released:
			return
		case <-ended:
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok {
				i.signal = s
			}
		}
		signal.Reset(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		stop(why(i))
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(released)
		<-done
		stop(nil)
	}
}

// interrupted returns the interruption that has ended ctx, or nil.
func interrupted(ctx context.Context) *interruption {
	i, _ := context.Cause(ctx).(*interruption) //nolint:errorlint // a cause is not wrapped
	return i
}
