package quire

import (
	"time"
)

// Apply brings p up to date with the next event of its execution. It is pure:
// the same events always give the same progress, whoever replays them.
func (p *Progress) Apply(e Event) {
	switch {
	case e.Started != nil:
		*p = Progress{
			State:      Starting,
			Attempt:    int(e.Started.Attempt),
			CellsTotal: int(e.Started.Cells),
			Timing:     Timing{Started: e.Time},
			Attempts:   p.before(int(e.Started.Attempt)),
			Price:      int(e.Started.Price),
		}
	case e.KernelStarting != nil:
		p.Kernel, p.Bounds, p.Receipt = e.KernelStarting.Kernel, e.KernelStarting.Bounds, e.KernelStarting.Receipt
		p.Timing.Environment = e.Time
	case e.KernelReady != nil:
		p.State = Running
		p.Timing.Kernel = e.Time
	case e.CellFinished != nil && e.CellFinished.Status != CellSkipped:
		p.CellsDone++
	case e.OutputVariables != nil:
		p.Outputs = e.OutputVariables.Variables
	case e.Finished != nil && e.Finished.Retry:
		lost := Attempt{Number: p.Attempt, Started: p.Timing.Started, Finished: e.Time, Failure: e.Finished.Failure}
		*p = Progress{State: Queued, Attempt: p.Attempt, Attempts: append(p.before(p.Attempt), lost)}
	case e.Finished != nil:
		p.Units = p.UnitsAt(e.Time)
		p.State = e.Finished.State
		p.Failure = e.Finished.Failure
		p.Timing.Finished = e.Time
	}
}

// before returns the attempts before the given one, in a slice of its own: p
// may have come from the store and the journal may be replayed over it.
func (p *Progress) before(attempt int) []Attempt {
	var earlier []Attempt
	for _, a := range p.Attempts {
		if a.Number < attempt {
			earlier = append(earlier, a)
		}
	}
	return earlier
}

// UnitsAt returns what the attempt under way has cost at the given time, or
// what the execution did cost where it has ended. An attempt that Quire lost
// costs nothing. A second that has begun counts.
func (p *Progress) UnitsAt(now time.Time) int64 {
	switch {
	case p.State.Ended():
		return p.Units
	case p.Timing.Started.IsZero() || now.Before(p.Timing.Started):
		return 0
	}
	seconds := (now.Sub(p.Timing.Started) + time.Second - 1) / time.Second
	return int64(seconds) * int64(p.Price)
}
