package service_test

import (
	"context"
	"sync"
	"testing"

	"quire"
)

// start runs the service until the test ends.
func (h *house) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// await returns after the dispatcher was asked for the journal of id.
func (h *house) await(t *testing.T, id quire.ExecutionID) {
	t.Helper()
	for {
		select {
		case asked := <-h.dispatcher.asked:
			if asked == id {
				return
			}
		case <-t.Context().Done():
			t.Fatal("nobody asked")
		}
	}
}

// purged returns a channel that is closed when Run has finished a deletion.
func (h *house) purged() <-chan struct{} { return h.log.said("project deleted") }

func TestDeleteProject(t *testing.T) {
	h := newHouse(t, nil)
	h.start(t)
	queued, running, ended := h.execute(t), quire.ExecutionID(""), quire.ExecutionID("")
	e := h.claim(t) // what was queued first
	running, queued = queued, h.execute(t)
	h.dispatcher.attend(running, 0, quire.Progress{State: quire.Running})
	h.dispatcher.onCancel = func(id quire.ExecutionID) {
		if id == running {
			ended = id
			h.end(t, e, quire.Aborted, nil)
		}
	}

	purged := h.purged()
	op, err := h.DeleteProject(t.Context(), caller, h.project)
	if err != nil || op.Done || op.Kind != quire.OpDeleteProject || op.ProjectID != h.project {
		t.Fatalf("got %+v, %v, want a deletion that is under way", op, err)
	}
	_, err = h.Project(t.Context(), h.project)
	wantCode(t, err, quire.NotFound, "", string(h.project))
	<-purged

	if op, err = h.Operation(t.Context(), op.ID); err != nil || !op.Done || op.Failure != nil {
		t.Errorf("got %+v, %v, want the deletion to be done", op, err)
	}
	if ended != running {
		t.Error("the running execution was not cancelled")
	}
	for _, id := range []quire.ExecutionID{running, queued} {
		_, err := h.archive.Input(t.Context(), id)
		wantCode(t, err, quire.NotFound, "", "")
		_, err = h.Operation(t.Context(), quire.OperationID(id))
		wantCode(t, err, quire.NotFound, "", string(id))
	}
	_, _, err = h.files.Open(t.Context(), h.project, "reports/sales.ipynb")
	wantCode(t, err, quire.NotFound, "", "")
	if left, err := h.store.DeletedProjects(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v, want nothing left", left, err)
	}
}

// A server that goes down within a deletion leaves the rest to the next.
func TestDeletionIsTakenUp(t *testing.T) {
	h := newHouse(t, nil)
	id := h.execute(t)
	e := h.claim(t)
	h.dispatcher.attend(id, 0, quire.Progress{State: quire.Running})

	stop := h.start(t)
	op, err := h.DeleteProject(t.Context(), caller, h.project)
	if err != nil {
		t.Fatal(err)
	}
	h.await(t, id)
	stop()
	if op, err := h.Operation(t.Context(), op.ID); err != nil || op.Done {
		t.Fatalf("got %+v, %v, want it to wait for the execution", op, err)
	}
	h.end(t, e, quire.Aborted, nil)

	purged := h.purged()
	h.start(t)
	<-purged
	if op, err := h.Operation(t.Context(), op.ID); err != nil || !op.Done {
		t.Errorf("got %+v, %v, want it to be done", op, err)
	}
}

// A server that was killed between two folders leaves the rest to the next.
func TestDeletionOfHalfIsTakenUp(t *testing.T) {
	h := newHouse(t, nil)
	first, second := h.execute(t), h.execute(t)
	op, err := h.DeleteProject(t.Context(), caller, h.project)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.files.RemoveProject(t.Context(), h.project); err != nil {
		t.Fatal(err)
	}
	if err := h.archive.Remove(t.Context(), first); err != nil {
		t.Fatal(err)
	}

	purged := h.purged()
	h.start(t)
	<-purged
	_, err = h.archive.Input(t.Context(), second)
	wantCode(t, err, quire.NotFound, "", "")
	for _, id := range []quire.ExecutionID{first, second} {
		_, err := h.Operation(t.Context(), quire.OperationID(id))
		wantCode(t, err, quire.NotFound, "", string(id))
	}
	if op, err := h.Operation(t.Context(), op.ID); err != nil || !op.Done {
		t.Errorf("got %+v, %v, want it to be done", op, err)
	}
}
