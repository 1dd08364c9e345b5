package service

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"math"

	"quire"
	"quire/internal/journal"
)

// Events yields the execution's events numbered beyond after, in order and
// each once, those to come as well as they become durable. It ends after the
// event that ends the execution, with ctx's error, or with another.
//
// An execution that was stopped before an executor took it up, or whose
// executor was lost, has no such event in its journal: then one is made of
// what the store holds.
func (s *Service) Events(ctx context.Context, id quire.ExecutionID, after int32) iter.Seq2[quire.Event, error] {
	return func(yield func(quire.Event, error) bool) {
		if err := s.tellEvents(ctx, id, after, yield); err != nil {
			yield(quire.Event{}, err)
		}
	}
}

func (s *Service) tellEvents(ctx context.Context, id quire.ExecutionID, after int32, yield func(quire.Event, error) bool) error {
	if after < 0 {
		return quire.Invalid("after", "must be the number of an event, or 0 for all")
	}
	if _, err := s.store.Execution(ctx, id); err != nil {
		return err
	}
	t := &tail{path: s.archive.JournalPath(id), after: after}
	defer t.close()
	for {
		durable, growing, changed := s.dispatcher.Journal(id)
		done, err := t.tell(durable, yield)
		if done || err != nil {
			return err
		}
		if !growing {
			return s.tellEnd(ctx, id, t.seq()+1, after, yield)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// tellEnd yields the end of an execution whose journal holds none.
func (s *Service) tellEnd(ctx context.Context, id quire.ExecutionID, seq, after int32, yield func(quire.Event, error) bool) error {
	e, err := s.store.Execution(ctx, id)
	if err != nil {
		return err
	}
	if !e.State.Ended() {
		return quire.Errorf(quire.Unavailable, "the events of execution %q cannot be followed here at present; try again", id)
	}
	if seq > after {
		yield(quire.Event{
			Seq: seq, Time: e.Timing.Finished,
			Finished: &quire.Finished{State: e.State, Failure: e.Failure},
		}, nil)
	}
	return nil
}

// tail reads a journal that grows.
type tail struct {
	path   string
	after  int32
	reader *journal.Reader // nil before there is anything to read
}

// tell yields what the journal's first durable bytes hold beyond what was
// yielded before; -1 is all of it. It returns true after the end of the
// execution, or when nobody listens any more.
func (t *tail) tell(durable int64, yield func(quire.Event, error) bool) (done bool, err error) {
	if err := t.extend(durable); err != nil {
		return false, err
	}
	if t.reader == nil {
		return false, nil
	}
	for {
		e, err := t.reader.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if e.Seq > t.after && !yield(e, nil) {
			return true, nil
		}
		if e.Finished != nil && !e.Finished.Retry {
			return true, nil
		}
	}
}

func (t *tail) extend(durable int64) error {
	if t.reader != nil {
		if durable < 0 {
			durable = math.MaxInt64
		}
		t.reader.Extend(durable)
		return nil
	}
	if durable == 0 {
		return nil
	}
	r, err := journal.OpenFile(t.path, durable)
	if durable < 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Skip(t.after - 1) // the last event that was seen tells whether it was the end
	t.reader = r
	return nil
}

func (t *tail) seq() int32 {
	if t.reader == nil {
		return 0
	}
	return t.reader.Seq()
}

func (t *tail) close() {
	if t.reader != nil {
		_ = t.reader.Close() // it was only read
	}
}
