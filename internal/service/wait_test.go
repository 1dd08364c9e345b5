package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"quire"
)

// wait waits for an execution in a goroutine, as a client does.
func (h *house) wait(t *testing.T, id quire.ExecutionID) <-chan quire.Execution {
	t.Helper()
	ended := make(chan quire.Execution, 1)
	go func() {
		e, err := h.Wait(t.Context(), id, time.Minute)
		if err != nil {
			t.Error(err)
		}
		ended <- e
	}()
	<-h.dispatcher.asked
	return ended
}

func TestWait(t *testing.T) {
	t.Run("from the queue to the end", func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.execute(t)
		ended := h.wait(t, id)
		e := h.claim(t)
		r := h.begin(t, id)
		r.add(started(1), cellStarted, stream("a"))
		r.add(finished(quire.Succeeded, false)) // told, and not stored yet
		select {
		case e := <-ended:
			t.Errorf("got %+v before the end was stored", e.Progress)
		default:
		}
		h.end(t, e, quire.Succeeded, nil)
		if e := <-ended; e.ID != id || e.State != quire.Succeeded {
			t.Errorf("got %v %v, want %v SUCCEEDED", e.ID, e.State, id)
		}
		if op, err := h.Operation(t.Context(), quire.OperationID(id)); err != nil || !op.Done {
			t.Errorf("got %+v, %v, want the operation to be done", op, err)
		}
		if e, err := h.Wait(t.Context(), id, 0); err != nil || e.State != quire.Succeeded {
			t.Errorf("afterwards: got %v, %v", e.State, err)
		}
	})
	t.Run("that is stored before the executor has gone", func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.execute(t)
		ended := h.wait(t, id)
		e := h.claim(t)
		over := quire.Progress{State: quire.Failed, Attempt: 1, Timing: quire.Timing{Finished: time.Now()}}
		h.dispatcher.attend(id, 0, over)
		select {
		case e := <-ended:
			t.Errorf("got %+v before the end was stored", e.Progress)
		default:
		}
		if err := h.store.SaveProgress(t.Context(), id, e.Claim, nil, over, nil); err != nil {
			t.Fatal(err)
		}
		h.dispatcher.attend(id, 0, over) // tells of it, and is live still
		if e := <-ended; e.State != quire.Failed || e.Timing.Finished.IsZero() {
			t.Errorf("got %+v, want FAILED", e.Progress)
		}
	})
	t.Run("until the time is over", func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.execute(t)
		h.dispatcher.attend(id, 0, quire.Progress{State: quire.Running, CellsDone: 1})
		for _, timeout := range []time.Duration{0, time.Millisecond} {
			if e, err := h.Wait(t.Context(), id, timeout); err != nil || e.State != quire.Running || e.CellsDone != 1 {
				t.Errorf("%v: got %+v, %v, want it as it is", timeout, e.Progress, err)
			}
		}
	})
	t.Run("for one whose project is deleted", func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.execute(t)
		gone := make(chan error, 1)
		go func() {
			_, err := h.Wait(t.Context(), id, time.Minute)
			gone <- err
		}()
		<-h.dispatcher.asked
		if _, err := h.DeleteProject(t.Context(), caller, h.project); err != nil {
			t.Fatal(err)
		}
		wantCode(t, <-gone, quire.NotFound, "", string(id))
	})
	t.Run("refused", func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.execute(t)
		for _, timeout := range []time.Duration{-1, 10*time.Minute + 1} {
			_, err := h.Wait(t.Context(), id, timeout)
			wantCode(t, err, quire.InvalidArgument, "timeout", "10m")
		}
		_, err := h.Wait(t.Context(), "nope", time.Minute)
		wantCode(t, err, quire.NotFound, "", "nope")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Wait(ctx, id, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the caller is gone", err)
		}
	})
}
