package dispatch

import (
	"context"
	"fmt"
	"time"

	"quire"
)

// hour is the time that max_units_per_hour is about: the last 60 minutes,
// whenever they are looked at.
const hour = time.Hour

// meter stops the executions of projects that have spent what they may, until
// ctx ends. Time alone spends, so nothing could announce it.
func (d *Dispatcher) meter(ctx context.Context) {
	ticker := time.NewTicker(d.opts.Meter)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for project, lives := range d.byProject() {
			why, err := d.overspent(ctx, project, lives)
			if err != nil && ctx.Err() == nil {
				d.opts.Logger.Error("look at what a project has spent", "project_id", project, "error", err)
			}
			if why == nil {
				continue
			}
			for _, l := range lives {
				l.cancel(*why)
			}
		}
	}
}

// byProject returns what is attended to.
func (d *Dispatcher) byProject() map[quire.ProjectID][]*live {
	d.mu.Lock()
	defer d.mu.Unlock()
	lives := map[quire.ProjectID][]*live{}
	for _, l := range d.live {
		lives[l.execution.ProjectID] = append(lives[l.execution.ProjectID], l)
	}
	return lives
}

// admit cancels an execution that its project has no units for. One that the
// store cannot tell about is admitted: the meter looks at it again.
func (d *Dispatcher) admit(ctx context.Context, l *live) error {
	why, err := d.overspent(ctx, l.execution.ProjectID, nil)
	if err != nil {
		return ctx.Err()
	}
	if why != nil {
		l.cancel(*why)
	}
	return nil
}

// overspent returns why the project's executions have to stop, of which those
// given are under way, or nil.
func (d *Dispatcher) overspent(ctx context.Context, project quire.ProjectID, lives []*live) (*quire.Failure, error) {
	now := d.opts.Now()
	b, err := d.store.Budget(ctx, project, now.Add(-hour))
	if err != nil {
		return nil, err
	}
	var all, within int64
	for _, l := range lives {
		p := l.snapshot()
		all += p.UnitsAt(now)
		within += min(p.UnitsAt(now), int64(hour/time.Second)*int64(p.Price))
	}
	switch {
	case b.Balance != nil && *b.Balance-all <= 0:
		return &quire.Failure{Kind: quire.Limited, Limit: "unit_balance", Message: "stopped: the project's unit balance is used up"}, nil
	case b.MaxPerHour != nil && b.Spent+within > *b.MaxPerHour:
		return &quire.Failure{
			Kind: quire.Limited, Limit: "max_units_per_hour",
			Message: fmt.Sprintf("stopped: the project has spent more than its limit of %d units per hour", *b.MaxPerHour),
		}, nil
	}
	return nil, nil
}
