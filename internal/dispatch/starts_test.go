package dispatch_test

import (
	"testing"
	"time"

	"quire"
	"quire/internal/dispatch"
)

// TestFewStartAtATime has room for three executions and for one start: the next
// begins when the kernel of the one before has answered, or that has ended.
func TestFewStartAtATime(t *testing.T) {
	h := newHouse(t)
	h.stop()
	h.runWith(dispatch.Options{MaxRunning: 3, MaxStarting: 1, StartPatience: time.Hour})
	ids := []quire.ExecutionID{h.submit(), h.submit(), h.submit()}

	first := h.next()
	h.waits(ids[1:]...)
	first.tell(t, quire.Event{KernelReady: &quire.KernelReady{}})
	second := h.next()
	h.waits(ids[2])
	second.end(t, quire.Succeeded)
	third := h.next()
	third.end(t, quire.Succeeded)
	first.end(t, quire.Succeeded)
	for _, id := range ids {
		h.await(id, quire.Succeeded)
	}
}

// waits fails the test if one of these has left the queue.
func (h *house) waits(ids ...quire.ExecutionID) {
	h.t.Helper()
	for _, id := range ids {
		e, err := h.store.Execution(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		if e.State != quire.Queued {
			h.t.Errorf("execution %s is %s, want it to wait", id, e.State)
		}
	}
}

// TestSlowStartLetsOthersStart: a start that takes long waits for something
// else than the processors.
func TestSlowStartLetsOthersStart(t *testing.T) {
	h := newHouse(t)
	h.stop()
	h.runWith(dispatch.Options{MaxRunning: 2, MaxStarting: 1, StartPatience: time.Millisecond})
	ids := []quire.ExecutionID{h.submit(), h.submit()}
	first, second := h.next(), h.next() // no kernel answers
	first.end(t, quire.Succeeded)
	second.end(t, quire.Succeeded)
	for _, id := range ids {
		h.await(id, quire.Succeeded)
	}
}
