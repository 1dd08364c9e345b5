package service

import (
	"bytes"
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
// event that ends the execution, with ctx's error, or with another. Where kinds
// are given, named as in an event's JSON, it yields only those and the ends of
// attempts.
func (s *Service) Events(ctx context.Context, id quire.ExecutionID, after int32, kinds ...string) iter.Seq2[quire.Event, error] {
	return func(yield func(quire.Event, error) bool) {
		if err := s.tellEvents(ctx, id, after, kinds, yield); err != nil {
			yield(quire.Event{}, err)
		}
	}
}

func (s *Service) tellEvents(ctx context.Context, id quire.ExecutionID, after int32, kinds []string, yield func(quire.Event, error) bool) error {
	if after < 0 {
		return quire.Invalid("after", "must be the number of an event, or 0 for all")
	}
	if _, err := s.store.Execution(ctx, id); err != nil {
		return err
	}
	t := &tail{path: s.archive.JournalPath(id), after: after}
	if len(kinds) > 0 {
		t.kinds = append([]string{"finished"}, kinds...)
	}
	defer t.close()
	for {
		// Heard before the look: a queued execution of a project that is
		// deleted ends without a word from the dispatcher.
		deleted, stopped := s.deleted.heard(), s.stopped.heard()
		now, err := s.told(ctx, id)
		if err != nil {
			return err
		}
		done, err := t.tell(now.durable, yield)
		if done || now.ended || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-now.changed:
		case <-deleted:
		case <-stopped:
			// It would hold up the server's end; the next one tells the rest.
			return quire.Errorf(quire.Unavailable, "the server stops: watch again, from the last event seen")
		}
	}
}

// told is how much of an execution's journal may be told at a moment.
type told struct {
	durable int64 // bytes; -1 is all of it
	ended   bool  // there will not be more
	changed <-chan struct{}
}

func (s *Service) told(ctx context.Context, id quire.ExecutionID) (told, error) {
	durable, live, changed := s.dispatcher.Journal(id)
	if live {
		return told{durable: durable, changed: changed}, nil
	}
	e, err := s.store.Execution(ctx, id)
	if err != nil {
		return told{}, err
	}
	if e.State.Ended() {
		return told{durable: -1, ended: true}, nil
	}
	return told{changed: changed}, nil
}

// tail reads a journal that grows.
type tail struct {
	path   string
	after  int32
	kinds  []string
	reader *journal.Reader // nil before there is anything to read
}

// tell yields what the journal's first durable bytes hold beyond what was
// yielded before. It returns true after the end of the execution, or when
// nobody listens any more.
func (t *tail) tell(durable int64, yield func(quire.Event, error) bool) (done bool, err error) {
	if durable == 0 {
		return false, nil
	}
	if err := t.extend(durable); err != nil {
		return false, err
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

func (t *tail) extend(durable int64) (err error) {
	if t.reader == nil {
		if t.reader, err = openJournal(t.path, durable); err != nil {
			return err
		}
		t.reader.Only(t.kinds...)
		t.reader.Skip(t.after - 1) // the last event that was seen tells whether it was the end
		return nil
	}
	if durable < 0 {
		durable = math.MaxInt64
	}
	t.reader.Extend(durable)
	return nil
}

func (t *tail) close() {
	if t.reader != nil {
		_ = t.reader.Close() // it was only read
	}
}

// openJournal opens a journal that need not be there: an execution that no
// executor has taken up has none.
func openJournal(path string, durable int64) (*journal.Reader, error) {
	r, err := journal.OpenFile(path, durable)
	if durable <= 0 && errors.Is(err, fs.ErrNotExist) {
		return journal.NewReader(bytes.NewReader(nil)), nil
	}
	return r, err
}
