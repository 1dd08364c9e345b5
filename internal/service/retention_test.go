package service_test

import (
	"sync/atomic"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

// clock is what the service takes for the time.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// ended runs the notebook of every house to its end.
func (h *house) ended(t *testing.T) quire.ExecutionID {
	t.Helper()
	h.execute(t)
	e := h.claim(t)
	h.end(t, e, quire.Succeeded, nil)
	return e.ID
}

// wantGone fails unless nothing is left of an execution.
func (h *house) wantGone(t *testing.T, id quire.ExecutionID) {
	t.Helper()
	_, err := h.Execution(t.Context(), id)
	wantCode(t, err, quire.NotFound, "", string(id))
	_, err = h.Operation(t.Context(), quire.OperationID(id))
	wantCode(t, err, quire.NotFound, "", string(id))
	_, err = h.Notebook(t.Context(), id)
	wantCode(t, err, quire.NotFound, "", string(id))
	for _, err := range h.Events(t.Context(), id, 0) {
		wantCode(t, err, quire.NotFound, "", string(id))
	}
	_, err = h.archive.Input(t.Context(), id)
	wantCode(t, err, quire.NotFound, "", "")
}

func (h *house) wantKept(t *testing.T, id quire.ExecutionID) {
	t.Helper()
	if _, err := h.Execution(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := h.archive.Input(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestExpiryByNumber(t *testing.T) {
	h := newHouse(t, &service.Options{Policy: quire.Policy{KeepLast: 1}})
	first, second, third := h.ended(t), h.ended(t), h.ended(t)
	queued := h.execute(t)
	h.dispatcher.attend(second, 0, quire.Progress{State: quire.Succeeded}) // not let go of yet
	other := h.newProject(t, quire.Project{})
	if _, err := h.UpdatePolicy(t.Context(), caller, other, quire.Policy{KeepLast: -1}, nil); err != nil {
		t.Fatal(err)
	}

	expired := h.log.said("executions expired")
	stop := h.start(t)
	<-expired
	stop()
	h.wantGone(t, first)
	for _, id := range []quire.ExecutionID{second, third, queued} {
		h.wantKept(t, id)
	}

	h.dispatcher.forget(second)
	expired = h.log.said("executions expired")
	h.start(t)
	<-expired
	h.wantGone(t, second)
	h.wantKept(t, third)
}

func TestExpiryByAge(t *testing.T) {
	var c clock
	h := newHouse(t, &service.Options{Now: c.now, Expiry: time.Millisecond})
	id := h.ended(t)
	made, err := h.CreateProject(t.Context(), caller, quire.Project{CommunityID: quire.DefaultCommunity})
	if err != nil {
		t.Fatal(err)
	}
	h.start(t)

	expired := h.log.said("executions expired")
	if _, err := h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{KeepFor: time.Hour}, nil); err != nil {
		t.Fatal(err)
	}
	h.wantKept(t, id)
	c.ahead.Store(int64(2 * time.Hour))
	<-expired
	h.wantGone(t, id)
	if _, err := h.Operation(t.Context(), made.ID); err != nil {
		t.Error(err)
	}

	// What belongs to no execution goes after thirty days: by the time that a
	// second look has found something, the first is over.
	c.ahead.Store(int64(31 * 24 * time.Hour))
	for range 2 {
		expired = h.log.said("executions expired")
		h.ended(t)
		<-expired
	}
	_, err = h.Operation(t.Context(), made.ID)
	wantCode(t, err, quire.NotFound, "", string(made.ID))
	if _, err := h.Project(t.Context(), made.ProjectID); err != nil {
		t.Error(err)
	}
}
