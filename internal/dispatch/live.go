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
	recovered bool            // taken up from an earlier dispatcher
	letStart  func()          // says that its start holds back others no longer; idempotent
	attempt   int             // the number of the attempt under way
	reader    *journal.Reader // used by the goroutine that attends only

	mu       sync.Mutex
	progress quire.Progress
	durable  int64
	changed  chan struct{} // closed and replaced when something can be told

	cancelled  chan struct{} // closed once the execution is to stop
	cancelOnce sync.Once
	why        quire.Failure // why it is to stop; set before cancelled is closed
}

func newLive(e quire.Execution, recovered bool) *live {
	l := &live{
		execution: e, recovered: recovered, attempt: e.Attempt, progress: e.Progress,
		changed: make(chan struct{}), cancelled: make(chan struct{}),
	}
	if e.Handle == nil {
		// The attempt counts once its executor is there: before, the stored
		// progress is that of the attempt before.
		l.attempt++
		l.progress = quire.Progress{State: quire.Starting, Attempt: l.attempt}
	}
	if !e.CancelRequestedAt.IsZero() {
		l.cancel(byRequest)
	}
	return l
}

// byRequest is why an execution stops that somebody has cancelled.
var byRequest = quire.Failure{Kind: quire.Cancelled, Message: "cancelled"} //nolint:gochecknoglobals // a constant, but for its type

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

// cancel notes that the execution is to stop. Only the first reason counts.
func (l *live) cancel(why quire.Failure) {
	l.cancelOnce.Do(func() {
		l.why = why
		close(l.cancelled)
	})
}

func (l *live) isCancelled() bool {
	select {
	case <-l.cancelled:
		return true
	default:
		return false
	}
}

// grow applies the journal's events up to its durable length, and reports
// whether the execution's state or attempt has changed by them. After an error
// the next call reads from the start.
func (l *live) grow(path string, durable int64) (changed bool, err error) {
	if durable == 0 {
		return false, nil
	}
	before := l.snapshot()
	now, err := l.read(path, durable, before)
	if err != nil {
		l.rewind()
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress, l.durable = now, durable
	l.announce()
	return now.State != before.State || now.Attempt != before.Attempt, nil
}

// read returns p with what the journal tells beyond what was read before. A
// long journal is read with no lock held: others go on seeing what was.
func (l *live) read(path string, durable int64, p quire.Progress) (quire.Progress, error) {
	if l.reader == nil {
		var err error
		if l.reader, err = journal.OpenFile(path, durable); err != nil {
			return p, err
		}
	}
	l.reader.Extend(durable)
	for {
		e, err := l.reader.Next()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		p.Apply(e)
	}
}

func (l *live) rewind() {
	if l.reader != nil {
		_ = l.reader.Close() // it was only read
		l.reader = nil
	}
}

func (l *live) close() {
	l.rewind()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announce()
}
