package quire

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
		}
	case e.KernelStarting != nil:
		p.Kernel = e.KernelStarting.Kernel
		p.Timing.Environment = e.Time
	case e.KernelReady != nil:
		p.State = Running
		p.Timing.Kernel = e.Time
	case e.CellFinished != nil && e.CellFinished.Status != CellSkipped:
		p.CellsDone++
	case e.OutputVariables != nil:
		p.Outputs = e.OutputVariables.Variables
	case e.Finished != nil && e.Finished.Retry:
		*p = Progress{State: Queued, Attempt: p.Attempt}
	case e.Finished != nil:
		p.State = e.Finished.State
		p.Failure = e.Finished.Failure
		p.Timing.Finished = e.Time
	}
}
