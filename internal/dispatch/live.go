package dispatch

import (
	"errors"
	"io"
	"sync"

	"quire"
	"quire/internal/journal"
)

// live is an execution that is being attended to, as far as its executor has
// told of it.
type live struct {
	execution quire.Execution // as claimed; never changed
	reader    *journal.Reader // used by follow only

	mu       sync.Mutex
	progress quire.Progress
	durable  int64
	changed  chan struct{} // closed and replaced when something can be told

	cancelled  chan struct{} // closed once the execution is to stop
	cancelOnce sync.Once
}

func newLive(e quire.Execution) *live {
	p := quire.Progress{State: quire.Starting, Attempt: e.Attempt}
	l := &live{execution: e, progress: p, changed: make(chan struct{}), cancelled: make(chan struct{})}
	if !e.CancelRequestedAt.IsZero() {
		l.cancel()
	}
	return l
}

func (l *live) snapshot() quire.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress
}

func (l *live) told() (durable int64, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable, l.changed
}

// announce lets those who wait look again. The caller holds l.mu.
func (l *live) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// cancel notes that the execution is to stop. It is idempotent.
func (l *live) cancel() { l.cancelOnce.Do(func() { close(l.cancelled) }) }

func (l *live) isCancelled() bool {
	select {
	case <-l.cancelled:
		return true
	default:
		return false
	}
}

// grow applies the journal's events up to its durable length, and reports
// whether the execution's state or attempt has changed by them.
func (l *live) grow(path string, durable int64) (changed bool, err error) {
	if durable == 0 {
		return false, nil
	}
	if l.reader == nil {
		if l.reader, err = journal.OpenFile(path, durable); err != nil {
			return false, err
		}
	}
	l.reader.Extend(durable)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.announce()
	state, attempt := l.progress.State, l.progress.Attempt
	for {
		e, err := l.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
		l.progress.Apply(e)
	}
	l.durable = durable
	return l.progress.State != state || l.progress.Attempt != attempt, nil
}

func (l *live) close() {
	if l.reader != nil {
		_ = l.reader.Close() // it was only read
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announce()
}
