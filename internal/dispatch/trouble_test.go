package dispatch_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"quire"
	"quire/internal/journal"
)

// forever is more faults than a test waits for.
const forever = 1 << 30

func TestStoreThatFailsForAWhile(t *testing.T) {
	h := newHouse(t)
	for _, method := range []string{"ClaimQueued", "SaveProgress STARTING", "SaveProgress RUNNING", "SaveProgress SUCCEEDED"} {
		h.faults.inject(method, 3)
	}
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	h.await(id, quire.Running)
	x.tell(t, cell)
	x.end(t, quire.Succeeded)
	if e := h.await(id, quire.Succeeded); e.CellsDone != 1 || e.Attempt != 1 {
		t.Errorf("got %+v", e.Progress)
	}
	if len(h.backend.started) != 0 {
		t.Error("it was started again")
	}
}

func TestCancelsOutlastAStoreThatFails(t *testing.T) {
	h := newHouse(t)
	h.submit()
	h.submit()
	first, second := h.next(), h.next()
	queued := []quire.ExecutionID{h.submit(), h.submit(), h.submit()}
	h.faults.inject("ClaimExecution", 3)
	for _, id := range queued {
		h.cancel(id)
	}
	for _, id := range queued {
		h.await(id, quire.Aborted)
	}
	first.end(t, quire.Succeeded)
	second.end(t, quire.Succeeded)
}

func TestCancelWhileItIsClaimed(t *testing.T) {
	h := newHouse(t)
	id := make(chan quire.ExecutionID, 1)
	h.faults.after("ClaimQueued", func(bool) { h.cancel(<-id) })
	submitted := h.submit()
	id <- submitted
	e := h.await(submitted, quire.Aborted)
	if e.Failure.Kind != quire.Cancelled || len(h.backend.started) != 0 {
		t.Errorf("got %+v, %d executors", e.Failure, len(h.backend.started))
	}
}

func TestCancelWhileTheRetryWaits(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	failing := h.faults.inject("SaveProgress QUEUED", forever)
	x.end(t, "")
	<-failing
	h.cancel(id)
	h.faults.inject("SaveProgress QUEUED", 0)
	e := h.await(id, quire.Aborted)
	if e.Failure.Kind != quire.Cancelled || len(h.backend.started) != 0 {
		t.Errorf("got %+v, %d executors", e.Failure, len(h.backend.started))
	}
}

func TestStopIsRepeatedUntilItArrives(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	h.backend.faults.inject("Stop", 2)
	h.cancel(id)
	<-x.stopped
	x.end(t, quire.Aborted)
	h.await(id, quire.Aborted)
}

func TestFollowThatFailsForAWhile(t *testing.T) {
	h := newHouse(t)
	h.backend.faults.inject("Follow", 3)
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	h.await(id, quire.Running)
	x.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
}

func TestStartFails(t *testing.T) {
	h := newHouse(t)
	h.backend.faults.inject("Start", forever)
	id := h.submit()
	e := h.await(id, quire.Failed)
	if e.Failure.Kind != quire.QuireFault || e.Attempt != 3 {
		t.Errorf("got %+v", e.Progress)
	}
	if got := ends(t, h, id); len(got) != 3 || !got[0].Retry || !got[1].Retry || got[2].Retry {
		t.Errorf("got the ends %+v, want two that announce another attempt and a last one", got)
	}
	op, err := h.store.Operation(t.Context(), quire.OperationID(id))
	if err != nil || !op.Done || op.Failure == nil {
		t.Errorf("got the operation %+v, %v; want one that failed", op, err)
	}
}

func TestClaimIsLost(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t)
	late := time.Now().Add(time.Hour)
	if _, err := h.store.ClaimAbandoned(t.Context(), "another", late, late); err != nil {
		t.Fatal(err)
	}
	_, _, changed := h.Journal(id)
	x.tell(t, ready)
	for live := true; live; { // the dispatcher lets go of it
		<-changed
		_, live, changed = h.Journal(id)
	}
	if got := ends(t, h, id); len(got) != 0 {
		t.Errorf("the journal of another owner got the ends %+v", got)
	}
	if len(x.stopped) != 0 || len(x.cleaned) != 0 {
		t.Error("the executor of another owner was ended")
	}
	x.end(t, quire.Succeeded)
}

func TestRestartBeforeTheHandleIsStored(t *testing.T) {
	for name, cancelled := range map[string]bool{"runs on": false, "is cancelled": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			failing := h.faults.inject("SaveProgress STARTING", forever)
			id := h.submit()
			x := h.next()
			<-failing
			h.stop()
			h.faults.inject("SaveProgress STARTING", 0)
			if cancelled {
				if _, err := h.store.RequestCancel(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			h.run(2)
			want := quire.Succeeded
			if cancelled {
				want = quire.Aborted
				<-x.stopped
			}
			x.end(t, want)
			if e := h.await(id, want); e.Attempt != 1 || len(h.backend.started) != 0 {
				t.Errorf("got %+v, %d more executors", e.Progress, len(h.backend.started))
			}
		})
	}
}

func TestRestartBeforeTheRetryIsStored(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	h.await(id, quire.Running)
	failing := h.faults.inject("SaveProgress QUEUED", forever)
	x.end(t, "")
	<-failing
	h.stop()
	h.faults.inject("SaveProgress QUEUED", 0)
	h.run(2)
	x = h.next()
	if x.job.Attempt != 2 {
		t.Errorf("got the attempt %d, want the second", x.job.Attempt)
	}
	x.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
	if got := ends(t, h, id); len(got) != 2 {
		t.Errorf("got the ends %+v, want one of each attempt", got)
	}
}

func TestRestartBeforeTheRetryOfAFailedStartIsStored(t *testing.T) {
	h := newHouse(t)
	failing := h.faults.inject("SaveProgress QUEUED", forever)
	h.backend.faults.inject("Start", 1)
	id := h.submit()
	<-failing
	h.stop()
	h.faults.inject("SaveProgress QUEUED", 0)
	h.run(2)
	x := h.next()
	if x.job.Attempt != 2 {
		t.Errorf("got the attempt %d, want the second", x.job.Attempt)
	}
	x.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
	if got := ends(t, h, id); len(got) != 2 {
		t.Errorf("got the ends %+v, want one of each attempt", got)
	}
}

func TestRestartOnAStoreThatFails(t *testing.T) {
	h := newHouse(t)
	stored := make(chan bool, 1)
	h.faults.after("SaveProgress RUNNING", func(failed bool) { stored <- failed })
	id := h.submit()
	x := h.next()
	x.tell(t, ready, cell)
	<-stored
	h.stop()
	h.faults.inject("ClaimAbandoned", 2)
	follows := h.backend.faults.inject("Follow", forever)
	h.run(2)
	<-follows
	if p, ok := h.Live(id); !ok || p.State != quire.Running || p.Attempt != 1 {
		t.Errorf("got %+v, %v; want the progress that was stored", p, ok)
	}
	h.backend.faults.inject("Follow", 0)
	x.end(t, quire.Succeeded)
	h.await(id, quire.Succeeded)
}

func TestDamagedJournalEndsTheExecution(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t, ready, cell)
	h.await(id, quire.Running)
	h.stop()
	path := h.jobs.JournalPath(id)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[20] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	h.run(2)
	if e := h.await(id, quire.Failed); e.Failure.Kind != quire.QuireFault {
		t.Errorf("got %+v", e.Failure)
	}
	<-x.cleaned
	x.end(t, "")
}

func TestJournalTellsOfEveryEvent(t *testing.T) {
	h := newHouse(t)
	id := h.submit()
	x := h.next()
	x.tell(t, ready)
	const events = 200
	go func() {
		for range events {
			_ = x.w.Append(cell)
		}
		_ = x.w.Append(quire.Event{Finished: &quire.Finished{State: quire.Succeeded}})
		_ = x.w.Close()
		x.mu.Lock()
		x.gone = true
		x.announce()
		x.mu.Unlock()
	}()
	var last int64
	for {
		durable, live, changed := h.Journal(id)
		if !live {
			break
		}
		if durable < last {
			t.Fatalf("the durable length shrank from %d to %d", last, durable)
		}
		last = durable
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("an update was missed")
		}
	}
	if e := h.await(id, quire.Succeeded); e.CellsDone != events {
		t.Errorf("got %d cells, want %d", e.CellsDone, events)
	}
}

// ends returns every Finished in an execution's journal.
func ends(t *testing.T, h *house, id quire.ExecutionID) []quire.Finished {
	t.Helper()
	r, err := journal.OpenFile(h.jobs.JournalPath(id), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var found []quire.Finished
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Finished != nil {
			found = append(found, *e.Finished)
		}
	}
}
