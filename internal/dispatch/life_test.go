package dispatch_test

import (
	"os"
	"testing"

	"quire"
)

func mkdir(dir string) error { return os.MkdirAll(dir, 0o700) }

var (
	ready = quire.Event{KernelReady: &quire.KernelReady{}}
	cell  = quire.Event{CellFinished: &quire.CellFinished{Status: quire.CellOK}}
)

func TestLifeOfAnExecution(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	h.await(id, quire.Starting)
	x.tell(t, ready)
	h.await(id, quire.Running)
	x.tell(t, cell)
	x.end(t, quire.Succeeded)
	e := h.await(id, quire.Succeeded)
	if e.CellsDone != 1 || e.Attempt != 1 || e.Timing.Finished.IsZero() {
		t.Errorf("got %+v", e.Progress)
	}
	op, err := h.store.Operation(t.Context(), quire.OperationID(id))
	if err != nil || !op.Done || string(op.Result) != `"SUCCEEDED"` {
		t.Errorf("got the operation %+v, %v", op, err)
	}
}

func TestNoMoreThanMaxRunning(t *testing.T) {
	h := newHouse(t)
	ids := []quire.ExecutionID{h.submit(), h.submit(), h.submit()}
	first, second := h.next(), h.next()
	if e := h.await(ids[2], quire.Queued); e.Claim.Owner != "" {
		t.Errorf("the third is claimed: %+v", e.Claim)
	}
	first.end(t, quire.Succeeded)
	third := h.next()
	if third.job.ExecutionID != ids[2] {
		t.Errorf("got %s, want the third", third.job.ExecutionID)
	}
	second.end(t, quire.Succeeded)
	third.end(t, quire.Failed)
	h.await(ids[2], quire.Failed)
}

func TestCancelDoesNotWaitForASlot(t *testing.T) {
	h := newHouse(t)
	h.submit()
	h.submit()
	first, second := h.next(), h.next()
	queued := h.submit()
	h.cancel(queued)
	if e := h.await(queued, quire.Aborted); e.Failure.Kind != quire.Cancelled {
		t.Errorf("got %+v", e.Failure)
	}
	first.end(t, quire.Succeeded)
	second.end(t, quire.Succeeded)
}

func TestCancelWhileItRuns(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	h.cancel(id)
	h.cancel(id)
	if why := <-x.stopped; why.Kind != quire.Cancelled {
		t.Errorf("got %+v", why)
	}
	x.end(t, quire.Aborted)
	h.await(id, quire.Aborted)
	if len(x.stopped) != 0 {
		t.Error("it was stopped twice")
	}
}

func TestLostExecutors(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	for attempt := 1; attempt <= 3; attempt++ {
		x := h.next()
		if x.job.Attempt != attempt {
			t.Errorf("got the attempt %d, want %d", x.job.Attempt, attempt)
		}
		x.tell(t, ready, cell)
		x.end(t, "")
		<-x.cleaned
	}
	e := h.await(id, quire.Failed)
	if e.Failure.Kind != quire.QuireFault || e.Attempt != 3 {
		t.Errorf("got %+v", e.Progress)
	}
	op, err := h.store.Operation(t.Context(), quire.OperationID(id))
	if err != nil || !op.Done || op.Failure == nil {
		t.Errorf("got the operation %+v, %v; want one that failed", op, err)
	}
}

func TestCancelledExecutorIsNotTriedAgain(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	h.cancel(id)
	<-x.stopped
	x.end(t, "")
	if e := h.await(id, quire.Aborted); e.Failure.Kind != quire.Cancelled || e.Attempt != 1 {
		t.Errorf("got %+v", e.Progress)
	}
}

func TestRestart(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, x *fakeExecutor){
		"it still runs":         func(*testing.T, *fakeExecutor) {},
		"it went on":            func(t *testing.T, x *fakeExecutor) { x.tell(t, cell) },
		"it has finished":       func(t *testing.T, x *fakeExecutor) { x.end(t, quire.Succeeded) },
		"its executor has died": func(t *testing.T, x *fakeExecutor) { x.end(t, "") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.submit()
			x := h.next()
			x.tell(t, ready, cell)
			h.await(id, quire.Running)
			h.stop()
			meanwhile(t, x)
			h.run(2)
			if name == "its executor has died" {
				x = h.next()
				if x.job.Attempt != 2 {
					t.Errorf("got the attempt %d, want the second", x.job.Attempt)
				}
			}
			if name != "it has finished" {
				x.end(t, quire.Succeeded)
			}
			if e := h.await(id, quire.Succeeded); e.State != quire.Succeeded {
				t.Errorf("got %+v", e.Progress)
			}
			if len(h.backend.started) != 0 {
				t.Error("it was started again")
			}
		})
	}
}
