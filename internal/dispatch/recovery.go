package dispatch

import (
	"quire"
	"quire/internal/journal"
)

// endedUnstored reports whether the journal of an execution that was taken up
// without a handle says that its attempt has ended: an earlier server has
// written that and died, or was ended, before it was stored.
func (d *Dispatcher) endedUnstored(l *live) bool {
	r, err := journal.OpenFile(d.jobs.JournalPath(l.execution.ID), -1)
	if err != nil {
		return false // it has not begun
	}
	defer r.Close() // only read from
	var p quire.Progress
	for {
		e, err := r.Next()
		if err != nil {
			return p.Attempt >= l.attempt && (p.State == quire.Queued || p.State.Ended())
		}
		p.Apply(e)
	}
}
