package main

import (
	"context"
	"sync"
	"time"
)

// tick is the time between two looks at how many executions have ended.
const tick = 250 * time.Millisecond

// fill submits n executions over all connections, as fast as they are
// accepted, and returns how long each submission took.
func (l *load) fill(ctx context.Context, notebook string, n int) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var took []time.Duration
	next := make(chan struct{})
	var submitting sync.WaitGroup
	for range l.Clients {
		submitting.Go(func() {
			for range next {
				d, err := l.submit(ctx, l.client, notebook)
				if err != nil {
					cancel(err)
					return
				}
				l.mu.Lock()
				took = append(took, d)
				l.mu.Unlock()
			}
		})
	}
	for range n {
		select {
		case next <- struct{}{}:
		case <-ctx.Done():
		}
	}
	close(next)
	submitting.Wait()
	return took, context.Cause(ctx)
}

func (l *load) submit(ctx context.Context, c *client, notebook string) (time.Duration, error) {
	id, took, err := c.submit(ctx, notebook)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[id]++
	return took, nil
}

// probe submits one execution after the other at an even pace, n of them or
// until done is closed, and returns how long each took.
func (l *load) probe(ctx context.Context, n int, done <-chan struct{}) ([]time.Duration, error) {
	pace := time.NewTicker(l.Pace)
	defer pace.Stop()
	var took []time.Duration
	for len(took) < n {
		select {
		case <-pace.C:
		case <-done:
			return took, nil
		case <-ctx.Done():
			return took, context.Cause(ctx)
		}
		d, err := l.submit(ctx, l.prober, workNotebook)
		if err != nil {
			return took, err
		}
		took = append(took, d)
	}
	return took, nil
}

// drain probes until hardly anything is left of what was queued, and returns
// when all has ended.
func (l *load) drain(ctx context.Context) (probed []time.Duration, err error) {
	drained := make(chan struct{})
	var probing sync.WaitGroup
	var probeErr error
	probing.Go(func() { probed, probeErr = l.probe(ctx, l.Executions, drained) })
	err = l.await(ctx, l.MaxRunning+1)
	close(drained)
	probing.Wait()
	if err == nil {
		err = probeErr
	}
	if err == nil {
		err = l.settle(ctx)
	}
	return probed, err
}

// settle returns when everything accepted has ended, or is stuck.
func (l *load) settle(ctx context.Context) error { return l.await(ctx, 0) }

// await returns when at most so many executions have not ended, or when none
// has for too long: the audit finds which.
func (l *load) await(ctx context.Context, left int) error {
	look := time.NewTicker(tick)
	defer look.Stop()
	last, since := 0, time.Now()
	for {
		m, err := l.client.metrics(ctx)
		if err != nil {
			return err
		}
		ended := int(m["quire_executions_total"])
		if l.count()-ended <= left {
			return nil
		}
		if ended > last {
			last, since = ended, time.Now()
		}
		if time.Since(since) > l.Stuck {
			l.say("no execution has ended for %s", l.Stuck)
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// count returns how many executions were accepted.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}
