package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"quire"
	"quire/internal/rawjson"
)

// DefaultMaxPending is WriterOptions.MaxPending where that is zero.
const DefaultMaxPending = 8 << 20

// keepBuffer is the largest buffer that a Writer keeps for reuse.
const keepBuffer = 1 << 20

var (
	// ErrClosed is returned by Append after Close.
	ErrClosed = errors.New("journal is closed")
	// ErrFinished is returned by Append for an event that may not follow the
	// execution's end: any at all, or any but Started where a retry was announced.
	ErrFinished = errors.New("journal is finished")
)

// WriterOptions tune a Writer; nil and zero fields mean the defaults.
type WriterOptions struct {
	// Durable is called with the length of the file that is safe on disk: once
	// by Open, then after every sync and before Sync returns, in order and
	// never twice at a time. It must not call the Writer.
	Durable func(size int64)
	// Synced is the length of the file that another Writer's Durable was called
	// with: where that is all there is, Open has nothing to wait for.
	Synced int64
	// Now stamps events that have no time. The default is time.Now.
	Now func() time.Time
	// MaxPending bounds the bytes that wait for the disk; Append blocks while
	// there are more. An event that is larger by itself waits alone.
	MaxPending int

	// LastWords is asked for the journal's last events when the disk has no room
	// for more: some is kept for them. Events that wait are dropped then, the
	// Started of this Writer's attempt too unless it has begun, and the Writer
	// fails with what is given. nil leaves the journal without an end.
	LastWords func(why error, begun bool) []quire.Event

	wrap func(file) file // for tests: a disk that fails
}

// Writer appends events to a journal. One goroutine of its own, which Close
// ends, writes and syncs whatever has gathered, a group, so that many events
// share a sync. All methods are safe for concurrent use.
//
// After a write or a sync has failed nothing more is written: every later call
// returns that error. What was appended since the last good sync may be lost.
type Writer struct {
	file       file
	durable    func(int64)
	now        func() time.Time
	maxPending int
	lastWords  func(error, bool) []quire.Event
	taken      int64 // bytes of the disk that are the file's, if it can tell; the goroutine's alone

	order   sync.Mutex // held while an event gets its number and its place
	encoded bytes.Buffer

	mu       sync.Mutex // guards what follows
	seq      int32
	begun    int32 // number of the last Started that was appended
	finished *quire.Finished
	pending  group // the next one
	size     int64 // of the file, once pending is written
	synced   int32 // number of the last durable event
	err      error
	closing  bool
	changed  chan struct{} // closed and replaced when synced, err or closing change, or pending shrinks

	wake chan struct{} // holds a value while there may be work
	done chan struct{} // closed when the goroutine has ended
}

// Seq returns the number of the last event, 0 in an empty journal.
func (w *Writer) Seq() int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq
}

// Finished returns the journal's last event if that is a Finished, else nil.
func (w *Writer) Finished() *quire.Finished {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.finished
}

// Append gives e the next number and, if it has none, the time, and queues it.
// It does not wait for the disk, but blocks while more than MaxPending bytes wait.
// The JSON of an output is the Writer's from then on: nobody may change it.
func (w *Writer) Append(e quire.Event) error {
	if err := w.Defer(e); err != nil {
		return err
	}
	w.signal()
	return nil
}

// Defer is Append for an event that is worth no sync of its own: it becomes
// durable together with the next one that is appended, or by Sync or Close.
func (w *Writer) Defer(e quire.Event) error {
	w.order.Lock()
	defer w.order.Unlock()
	if err := w.admit(&e); err != nil {
		return err
	}
	l, err := w.encode(e)
	if err != nil {
		return err
	}
	return w.enqueue(l, e)
}

// admit numbers the event if it may follow the one before.
func (w *Writer) admit(e *quire.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.closing:
		return ErrClosed
	case w.finished != nil && (!w.finished.Retry || e.Started == nil):
		return ErrFinished
	case w.seq == math.MaxInt32:
		return errors.New("append to journal: out of event numbers")
	}
	e.Seq = w.seq + 1
	if e.Time.IsZero() {
		e.Time = w.now()
	}
	e.Time = e.Time.UTC()
	return nil
}

// encode returns the event's line, whose text is valid until the next call.
func (w *Writer) encode(e quire.Event) (line, error) {
	w.encoded.Reset()
	return encodeTo(&w.encoded, e)
}

// largeOutput is the size in bytes from which on an output is written from
// where it is in memory.
const largeOutput = 1 << 20

func encodeTo(b *bytes.Buffer, e quire.Event) (line, error) {
	e, raw := withoutLarge(e)
	b.WriteString("00000000-")
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return line{}, fmt.Errorf("append to journal: %w", err)
	}
	text := b.Bytes()
	if !utf8.Valid(text) {
		// Raw JSON from a kernel comes through the encoder unchecked; JSON is UTF-8.
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	l := line{text: text, insert: insert{at: len(text) - 1}}
	if raw != nil {
		start, ok := bytes.CutSuffix(text, []byte("null}}\n"))
		if !ok {
			return line{}, errors.New("append to journal: an event does not end with its output")
		}
		l.text, l.insert = append(start, "}}\n"...), insert{len(start), raw}
	}
	if l.size()-headLen-1 > MaxEvent {
		return line{}, ErrTooLarge
	}
	return l, nil
}

// withoutLarge returns the event without its output, and that, where it is
// large and can be written as it is.
func withoutLarge(e quire.Event) (quire.Event, []byte) {
	if e.Output == nil || len(e.Output.Output) < largeOutput {
		return e, nil
	}
	if form, ok := rawjson.Scan(e.Output.Output); !ok || form.Spaced {
		return e, nil
	}
	out := *e.Output
	raw := out.Output
	out.Output, e.Output = nil, &out
	return e, raw
}

// enqueue waits for room and puts the line where the goroutine takes it.
func (w *Writer) enqueue(l line, e quire.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !w.closing && w.pending.bytes > 0 && w.pending.bytes+l.size() > w.maxPending {
		w.signal() // it may all have been deferred
		w.await()
	}
	if w.err != nil {
		return w.err
	}
	if w.closing {
		return ErrClosed
	}
	w.pending.add(l)
	w.seq, w.finished = e.Seq, e.Finished
	if e.Started != nil {
		w.begun = e.Seq
	}
	if w.encoded.Cap() > keepBuffer {
		w.encoded = bytes.Buffer{}
	}
	return nil
}

// await gives up the lock until something has changed.
func (w *Writer) await() {
	changed := w.changed
	w.mu.Unlock()
	<-changed
	w.mu.Lock()
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Writer) broadcast() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Sync returns when every event appended before the call is durable, or with
// the Writer's error, or with ctx's.
func (w *Writer) Sync(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for target := w.seq; w.synced < target; {
		if w.err != nil {
			return w.err
		}
		changed := w.changed
		w.signal() // it may all have been deferred
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
		if err := context.Cause(ctx); err != nil && w.synced < target {
			return fmt.Errorf("sync journal: %w", err)
		}
	}
	return w.err
}

// Close makes everything appended durable and closes the file. It is
// idempotent and returns the Writer's error, if it has one.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closing {
		w.closing = true
		w.broadcast()
		w.signal()
	}
	w.mu.Unlock()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
