package dispatch_test

import (
	"testing"

	"quire"
)

// TestCancelledBeforeTheRestart: the server died between the request and its
// dispatcher. The execution ends although no slot is free.
func TestCancelledBeforeTheRestart(t *testing.T) {
	h := newHouse(t)
	h.submit()
	h.submit()
	first, second := h.next(), h.next()
	queued, cancelled := h.submit(), h.submit()
	h.stop()
	if _, err := h.store.RequestCancel(t.Context(), cancelled); err != nil {
		t.Fatal(err)
	}
	h.faults.inject("Cancelled", 2)
	h.run(2)
	if e := h.await(cancelled, quire.Aborted); e.Failure.Kind != quire.Cancelled {
		t.Errorf("got %+v", e.Failure)
	}
	if e := h.await(queued, quire.Queued); !e.CancelRequestedAt.IsZero() {
		t.Errorf("the other was cancelled: %+v", e)
	}
	first.end(t, quire.Succeeded)
	second.end(t, quire.Succeeded)
	h.next().end(t, quire.Succeeded)
	h.await(queued, quire.Succeeded)
}

// TestHandleThatIsNone: the execution is lost, as if its executor were gone,
// and tried again.
func TestHandleThatIsNone(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	h.await(id, quire.Running)
	h.stop()
	x.end(t, "")
	e, err := h.store.Execution(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.SaveProgress(t.Context(), id, e.Claim, quire.Handle(`"?"`), e.Progress, nil); err != nil {
		t.Fatal(err)
	}
	h.run(2)
	next := h.next()
	if next.job.Attempt != 2 {
		t.Errorf("got the attempt %d, want the second", next.job.Attempt)
	}
	next.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
}

// TestNextAttemptOutlivesTheOneBefore claims an execution again as soon as its
// retry is stored, while the attempt before is still being let go of.
func TestNextAttemptOutlivesTheOneBefore(t *testing.T) {
	h := newHouse(t)
	second := make(chan *fakeExecutor, 1)
	h.faults.after("SaveProgress QUEUED", func(bool) {
		h.Wake()
		second <- <-h.backend.started
	})
	id := h.submit()
	_, _, changed := h.Journal(id)
	h.next().end(t, "")
	x := <-second
	x.tell(t, ready)
	for { // until the attempt before is let go of, and beyond
		p, live := h.Live(id)
		if live && p.State == quire.Running && p.Attempt == 2 {
			break
		}
		<-changed
		_, _, changed = h.Journal(id)
	}
	x.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
}
