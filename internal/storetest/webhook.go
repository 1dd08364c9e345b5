package storetest

import (
	"testing"
	"time"

	"quire"
)

func newWebhook(project quire.ProjectID, events ...quire.NoticeEvent) quire.Webhook {
	return quire.Webhook{
		ID: quire.WebhookID(quire.NewID()), ProjectID: project, URL: "https://example.org", Events: events,
		Format: quire.NoticeJSON, Secret: "a secret of some length", CreatedBy: "alice", CreatedAt: start,
	}
}

func addWebhook(t *testing.T, s Store, w quire.Webhook) quire.Webhook {
	t.Helper()
	op, err := s.CreateWebhook(t.Context(), w, operation(quire.OpCreateWebhook), 10)
	must(t, err)
	result(t, op, w.ID)
	return w
}

func webhooks(t *testing.T, s Store) {
	ctx := t.Context()
	p := addProject(t, s, newProject())
	first, second := addWebhook(t, s, newWebhook(p.ID, quire.NoticeStart)), addWebhook(t, s, newWebhook(p.ID, quire.NoticeFailure))
	got, err := s.Webhook(ctx, first.ID)
	must(t, err)
	same(t, "webhook", got, first)
	list, _, err := s.Webhooks(ctx, quire.WebhookFilter{ProjectID: p.ID})
	must(t, err)
	same(t, "webhooks", list, []quire.Webhook{first, second})
	_, err = s.CreateWebhook(ctx, newWebhook(p.ID), operation(quire.OpCreateWebhook), 2)
	wantCode(t, err, quire.ResourceExhausted)
	_, err = s.CreateWebhook(ctx, newWebhook("nobody"), operation(quire.OpCreateWebhook), 2)
	wantCode(t, err, quire.NotFound)
	_, err = s.DeleteWebhook(ctx, first.ID, operation(quire.OpDeleteWebhook))
	must(t, err)
	_, err = s.DeleteWebhook(ctx, first.ID, operation(quire.OpDeleteWebhook))
	wantCode(t, err, quire.NotFound)
	_, err = s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	must(t, err)
	_, err = s.Webhook(ctx, second.ID)
	wantCode(t, err, quire.NotFound)
	must(t, s.PurgeProject(ctx, p.ID))
}

func deliveries(t *testing.T, s Store) {
	ctx := t.Context()
	p, other := addProject(t, s, newProject()), addProject(t, s, newProject())
	all := addWebhook(t, s, newWebhook(p.ID, quire.NoticeFailure, quire.NoticeStart, quire.NoticeSuccess))
	failures := addWebhook(t, s, newWebhook(p.ID, quire.NoticeFailure))
	addWebhook(t, s, newWebhook(other.ID, quire.NoticeFailure, quire.NoticeStart, quire.NoticeSuccess))
	e := newExecution(p.ID)
	e.Origin.Schedule = "s1"
	addExecution(t, s, e)
	elsewhere := newWebhook(p.ID, quire.NoticeStart)
	elsewhere.Execution = "another"
	addWebhook(t, s, elsewhere)
	here := newWebhook(p.ID, quire.NoticeStart)
	here.Execution, here.Schedule = e.ID, "s1"
	addWebhook(t, s, here)
	sent := func(w quire.Webhook) []quire.Delivery {
		t.Helper()
		list, _, err := s.Deliveries(ctx, quire.DeliveryFilter{WebhookID: w.ID})
		must(t, err)
		return list
	}

	noticed := s.Noticed()
	claimed := claim(t, s, "d1", e.ID)
	same(t, "before the kernel answers", len(sent(all)), 0)
	running := quire.Progress{State: quire.Running, Attempt: 1, Timing: quire.Timing{Started: start.Add(time.Second), Kernel: start.Add(2 * time.Second)}}
	for range 2 { // as often as it is saved
		must(t, s.SaveProgress(ctx, e.ID, claimed.Claim, nil, running, nil))
	}
	<-noticed
	failure := &quire.Failure{Kind: quire.CellFailed, Message: "it raised"}
	ended := quire.Progress{State: quire.Failed, Attempt: 1, Failure: failure, Timing: quire.Timing{Started: start.Add(time.Second), Finished: start.Add(time.Minute)}}
	end(t, s, claimed, ended)

	same(t, "told elsewhere", len(sent(elsewhere)), 0)
	same(t, "told here", len(sent(here)), 1)
	same(t, "told all", len(sent(all)), 2)
	got := sent(failures)
	same(t, "told of failures", len(got), 1)
	want := quire.Delivery{
		ID: got[0].ID, WebhookID: failures.ID, Event: quire.NoticeFailure, At: start.Add(time.Minute), State: quire.DeliveryPending, Next: got[0].Next,
		Notice: quire.Notice{
			Execution: e.ID, ProjectID: p.ID, Notebook: "a.ipynb", State: quire.Failed, Schedule: "s1",
			CreatedAt: start, StartedAt: start.Add(time.Second), FinishedAt: start.Add(time.Minute), Failure: failure,
		},
	}
	same(t, "delivery", got[0], want)

	due, _, err := s.DueDeliveries(ctx, start, 10)
	must(t, err)
	same(t, "due", len(due), 4)
	for i, d := range due {
		d.Tries, d.Next, d.Status, d.Message = 1, start.Add(time.Duration(i+1)*time.Minute), 500, "it answered 500"
		if i == 3 {
			d.State, d.Next, d.Ended = quire.DeliveryDelivered, time.Time{}, start.Add(time.Hour)
		}
		must(t, s.SaveDelivery(ctx, d))
	}
	due, next, err := s.DueDeliveries(ctx, start, 10)
	must(t, err)
	same(t, "due", len(due), 0)
	same(t, "next", next, start.Add(time.Minute))
	due, _, err = s.DueDeliveries(ctx, start.Add(2*time.Minute), 10)
	must(t, err)
	same(t, "due", len(due), 2)
	for _, want := range []int{1, 0} {
		n, err := s.RemoveDeliveries(ctx, start.Add(2*time.Hour), 10)
		must(t, err)
		same(t, "removed", n, want)
	}
	must(t, s.SaveDelivery(ctx, quire.Delivery{ID: "gone", State: quire.DeliveryFailed}))
	_, err = s.DeleteWebhook(ctx, all.ID, operation(quire.OpDeleteWebhook))
	must(t, err)
	same(t, "left of a deleted webhook", len(sent(all)), 0)
}
