package service_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
)

// record is the journal of an execution that is attended to.
type record struct {
	*journal.Writer
	t *testing.T
}

// begin attends to an execution and opens its journal.
func (h *house) begin(t *testing.T, id quire.ExecutionID) *record {
	t.Helper()
	w, err := journal.Open(h.archive.JournalPath(id), &journal.WriterOptions{
		Durable: func(n int64) { h.dispatcher.attend(id, n, quire.Progress{State: quire.Running}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return &record{w, t}
}

// add appends events and makes them durable.
func (r *record) add(events ...quire.Event) {
	r.t.Helper()
	for _, e := range events {
		if err := r.Append(e); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.Sync(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func started(attempt int32) quire.Event {
	return quire.Event{Started: &quire.Started{Attempt: attempt, Cells: 1}}
}

func stream(text string) quire.Event {
	return quire.Event{Stream: &quire.Stream{Cell: 1, Name: "stdout", Text: text}}
}

func finished(state quire.State, retry bool) quire.Event {
	return quire.Event{Finished: &quire.Finished{State: state, Retry: retry}}
}

var cellStarted = quire.Event{CellStarted: &quire.CellStarted{Cell: 1, ID: "first"}}

// all collects events up to the end.
func (h *house) all(t *testing.T, id quire.ExecutionID, after int32) []int32 {
	t.Helper()
	seqs := []int32{}
	for e, err := range h.Events(t.Context(), id, after) {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

func TestEventsOfTheEnded(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	h.begin(t, id).add(started(1), finished(quire.Failed, true), started(2), stream("x"), finished(quire.Succeeded, false))

	check := func(t *testing.T, want map[int32][]int32) {
		for after, want := range want {
			if got := h.all(t, id, after); !slices.Equal(got, want) {
				t.Errorf("after %d: got %v, want %v", after, got, want)
			}
		}
	}
	t.Run("while it is attended to", func(t *testing.T) {
		check(t, map[int32][]int32{0: {1, 2, 3, 4, 5}, 1: {2, 3, 4, 5}, 2: {3, 4, 5}, 4: {5}, 5: {}})
	})
	h.end(t, e, quire.Succeeded, nil)
	t.Run("afterwards", func(t *testing.T) {
		check(t, map[int32][]int32{0: {1, 2, 3, 4, 5}, 1: {2, 3, 4, 5}, 4: {5}, 5: {}, 6: {}, 1000: {}})
	})
}

func TestEventsOfSomeKinds(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	usage := quire.Event{Usage: &quire.Usage{CPUSeconds: 1}}
	h.begin(t, id).add(started(1), usage, stream("x"), finished(quire.Failed, true), started(2), usage, finished(quire.Succeeded, false))
	h.end(t, e, quire.Succeeded, nil)
	for after, want := range map[int32][]int32{0: {2, 4, 6, 7}, 2: {4, 6, 7}, 5: {6, 7}, 7: nil} {
		var got []int32
		for e, err := range h.Events(t.Context(), id, after, "usage") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Seq)
		}
		if !slices.Equal(got, want) {
			t.Errorf("after %d: got %v, want %v", after, got, want)
		}
	}
}

func TestEventsLive(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := pull(h, ctx, id)
	defer stop()

	h.claim(t)
	r := h.begin(t, id)
	r.add(started(1))
	if e, err := next(); err != nil || e.Started == nil || e.Seq != 1 {
		t.Fatalf("got %+v, %v, want the start", e, err)
	}
	r.add(cellStarted, stream("a"))
	if e, err := next(); err != nil || e.CellStarted == nil {
		t.Fatalf("got %+v, %v, want the cell's start", e, err)
	}
	if e, err := next(); err != nil || e.Stream == nil || e.Stream.Text != "a" {
		t.Fatalf("got %+v, %v, want the output", e, err)
	}
	r.add(finished(quire.Failed, true))
	if e, err := next(); err != nil || e.Finished == nil {
		t.Fatalf("got %+v, %v, want the attempt's end", e, err)
	}
	h.dispatcher.forget(id) // it waits in the queue again
	h.dispatcher.attend(id, 0, quire.Progress{State: quire.Starting})
	r.add(started(2), finished(quire.Succeeded, false))
	if e, err := next(); err != nil || e.Started == nil || e.Seq != 5 {
		t.Fatalf("got %+v, %v, want the second start", e, err)
	}
	if e, err := next(); err != nil || e.Finished == nil {
		t.Fatalf("got %+v, %v, want the end", e, err)
	}
	if e, err := next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %+v, %v after the end, want nothing", e, err)
	}
}

// pull reads events one by one, io.EOF at the end, in a goroutine that waits
// as a client does.
func pull(h *house, ctx context.Context, id quire.ExecutionID) (next func() (quire.Event, error), stop func()) {
	type told struct {
		event quire.Event
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan told)
	go func() {
		defer close(events)
		for e, err := range h.Events(ctx, id, 0) {
			select {
			case events <- told{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	next = func() (quire.Event, error) {
		if e, ok := <-events; ok {
			return e.event, e.err
		}
		return quire.Event{}, io.EOF
	}
	return next, func() {
		cancel()
		for range events { // until it has ended
		}
	}
}

func TestEventsEndWithTheContext(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	ctx, cancel := context.WithCancel(t.Context())
	next, stop := pull(h, ctx, id)
	defer stop()
	h.await(t, id)
	cancel()
	if _, err := next(); !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// A queued execution whose project is deleted never comes to a dispatcher.
func TestEventsOfADeletedProject(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	next, stop := pull(h, t.Context(), id)
	defer stop()
	h.await(t, id)
	if _, err := h.DeleteProject(t.Context(), caller, h.project); err != nil {
		t.Fatal(err)
	}
	if _, err := next(); quire.CodeOf(err) != quire.NotFound {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestEventsRefused(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	for _, tt := range []struct {
		id    quire.ExecutionID
		after int32
		code  quire.Code
	}{{"nope", 0, quire.NotFound}, {id, -1, quire.InvalidArgument}} {
		count := 0
		for _, err := range h.Events(t.Context(), tt.id, tt.after) {
			count++
			wantCode(t, err, tt.code, "", "")
		}
		if count != 1 {
			t.Errorf("%v: got %d answers, want one error", tt, count)
		}
	}
}

func TestEventsOfADamagedJournal(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	h.begin(t, id).add(started(1), stream("x"), finished(quire.Succeeded, false))
	h.end(t, e, quire.Succeeded, nil)
	path := h.archive.JournalPath(id)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.Replace(string(data), `"text":"x"`, `"text":"y"`, 1)
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []error
	for _, err := range h.Events(t.Context(), id, 0) {
		got = append(got, err)
	}
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], journal.ErrCorrupt) {
		t.Errorf("got %v, want what is before the damage, then the damage", got)
	}
}

func TestNotebook(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	read := func(t *testing.T) string {
		t.Helper()
		r, err := h.Notebook(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	r := h.begin(t, id)
	t.Run("before the first event", func(t *testing.T) {
		if got := read(t); strings.Contains(got, "old") || !strings.Contains(got, "print(1)") {
			t.Errorf("got %s, want it without outputs", got)
		}
	})
	t.Run("while it runs", func(t *testing.T) {
		r.add(started(1), cellStarted, stream("fresh"))
		if got := read(t); !strings.Contains(got, "fresh") {
			t.Errorf("got %s, want what was printed", got)
		}
	})
	r.add(finished(quire.Succeeded, false))
	h.end(t, e, quire.Succeeded, nil)
	t.Run("ended without a file of its own", func(t *testing.T) {
		if got := read(t); !strings.Contains(got, "fresh") {
			t.Errorf("got %s, want what was printed", got)
		}
	})
}
