package dispatch

import (
	"sync"
	"time"
)

// holdStarts counts l among the executions that start, until its kernel has
// answered, it has ended, or it has taken so long that it hardly waits for the
// processors. To start is most of a short notebook's work: many starts at a
// time finish no sooner than a few, and keep the server from answering. The
// caller holds d.mu.
func (d *Dispatcher) holdStarts(l *live) {
	if l.execution.Handle != nil {
		l.letStart = func() {} // it was started before
		return
	}
	d.starting++
	l.letStart = sync.OnceFunc(func() {
		d.mu.Lock()
		d.starting--
		d.mu.Unlock()
		d.Wake()
	})
	patience := time.AfterFunc(d.opts.StartPatience, l.letStart)
	release := l.letStart
	l.letStart = func() { patience.Stop(); release() }
}
