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

// interruptible calls stop at the first SIGINT, SIGTERM or SIGHUP, and leaves
// a second one its effect, which is to end the program at once. The returned
// function takes that back, and waits.
func interruptible(stop func(*interruption)) (release func()) {
	signals := make(chan os.Signal, 1)
	done, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(ended)
		select {
		case s := <-signals:
			signal.Reset(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			if s, ok := s.(syscall.Signal); ok {
				stop(&interruption{s})
			}
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

// interrupted returns the interruption that has ended ctx, or nil.
func interrupted(ctx context.Context) *interruption {
	i, _ := context.Cause(ctx).(*interruption) //nolint:errorlint // a cause is not wrapped
	return i
}
