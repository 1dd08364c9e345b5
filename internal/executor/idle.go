package executor

import (
	"context"
	"time"
)

// idleLoad is the share of its processors that a notebook has to use now and
// then to count as busy (DataSphere's StaleExecutionTimeoutMode: under 1 %).
const idleLoad = 0.01

// idleLooks is how often the load is looked at within the time that an
// execution may be idle: a busy moment is seen, whenever it comes.
const idleLooks = 60

// idleWatch finds out that a notebook has been idle for long.
type idleWatch struct {
	after time.Duration
	cpus  int
	used  func() time.Duration // processor time used so far by all of the notebook's processes
}

// wait returns true once the load has stayed under idleLoad for w.after, and
// false when ctx ends.
func (w *idleWatch) wait(ctx context.Context) bool {
	interval := max(w.after/idleLooks, time.Millisecond)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	busy, last, used := time.Now(), time.Now(), w.used()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
		now, total := time.Now(), w.used()
		// Processes that have ended without being waited for take their time
		// along: less than before is no load.
		if load := float64(total-used) / float64(now.Sub(last)) / float64(w.cpus); load >= idleLoad {
			busy = now
		}
		last, used = now, total
		if now.Sub(busy) >= w.after {
			return true
		}
	}
}

// clockTick is the unit of processor times in proc(5): 100 a second on every
// Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// usedBelow returns the processor time of all processes below root and of
// their children that have been waited for.
func usedBelow(root int) time.Duration {
	var ticks int64
	for _, pid := range descendants(root) {
		ticks += processTicks(pid)
	}
	return time.Duration(ticks) * clockTick
}
