package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"quire"
)

// CreateWebhook creates a webhook. Where the client brings no secret there is a
// new one; the answer to the first request alone shows it.
func (s *Service) CreateWebhook(ctx context.Context, call Call, w quire.Webhook) (quire.Webhook, error) {
	if s.sender == nil {
		return quire.Webhook{}, quire.Errorf(quire.Unimplemented, "this server sends no notices")
	}
	if first, ok, err := s.repeated(ctx, call); err != nil || ok {
		return s.webhookOf(ctx, first, err)
	}
	if err := s.checkWebhook(ctx, &w); err != nil {
		return quire.Webhook{}, err
	}
	w.ID, w.Secret = quire.WebhookID(quire.NewID()), cmp.Or(w.Secret, quire.NewID()+quire.NewID())
	w.CreatedBy, w.CreatedAt = call.Caller, s.now().UTC()
	op := s.operation(call, quire.OpCreateWebhook, "Create webhook")
	op.ProjectID = w.ProjectID
	stored, err := s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.CreateWebhook(ctx, w, op, quire.MaxWebhooks)
	})
	if err == nil && stored.ID == op.ID {
		return w, nil
	}
	return s.webhookOf(ctx, stored, err)
}

func (s *Service) checkWebhook(ctx context.Context, w *quire.Webhook) error {
	if len(w.URL) > quire.MaxWebhookURL {
		return quire.Invalid("url", "must have at most %d characters", quire.MaxWebhookURL)
	}
	if err := s.sender.Check(w.URL); err != nil {
		return err
	}
	if n := len(w.Secret); n != 0 && (n < quire.MinWebhookSecret || n > quire.MaxWebhookSecret) {
		return quire.Invalid("secret", "must have %d to %d bytes, or be left out for a new one", quire.MinWebhookSecret, quire.MaxWebhookSecret)
	}
	slices.Sort(w.Events)
	if w.Events = slices.Compact(w.Events); len(w.Events) == 0 {
		w.Events = []quire.NoticeEvent{quire.NoticeFailure, quire.NoticeSuccess}
	}
	w.Format = cmp.Or(w.Format, quire.NoticeJSON)
	if _, err := s.store.Project(ctx, w.ProjectID); err != nil {
		return atField("project_id", err)
	}
	return s.checkSubject(ctx, *w)
}

// checkSubject makes sure that there is something to tell of.
func (s *Service) checkSubject(ctx context.Context, w quire.Webhook) error {
	if w.Execution != "" {
		e, err := s.store.Execution(ctx, w.Execution)
		if err == nil && e.ProjectID != w.ProjectID {
			err = quire.Errorf(quire.NotFound, "execution %q not found", w.Execution)
		}
		if err == nil && e.State.Ended() {
			err = quire.Errorf(quire.FailedPrecondition, "execution %q has ended: there is nothing to be told of any more", w.Execution)
		}
		if err != nil {
			return atField("execution_id", err)
		}
	}
	if w.Schedule != "" {
		if c, err := s.store.Schedule(ctx, w.Schedule); err != nil || c.ProjectID != w.ProjectID {
			return atField("schedule_id", cmp.Or(err, error(quire.Errorf(quire.NotFound, "schedule %q not found", w.Schedule))))
		}
	}
	if w.Sweep != "" {
		if c, err := s.store.Sweep(ctx, w.Sweep); err != nil || c.ProjectID != w.ProjectID {
			return atField("sweep_id", cmp.Or(err, error(quire.Errorf(quire.NotFound, "sweep %q not found", w.Sweep))))
		}
	}
	return nil
}

// webhookOf returns the webhook that an operation has created.
func (s *Service) webhookOf(ctx context.Context, op quire.Operation, err error) (quire.Webhook, error) {
	if err != nil {
		return quire.Webhook{}, err
	}
	var id quire.WebhookID
	if err := json.Unmarshal(op.Result, &id); err != nil {
		return quire.Webhook{}, fmt.Errorf("read the operation's result: %w", err)
	}
	return s.Webhook(ctx, id)
}

// Webhook returns a webhook, without its secret.
func (s *Service) Webhook(ctx context.Context, id quire.WebhookID) (quire.Webhook, error) {
	w, err := s.store.Webhook(ctx, id)
	w.Secret = ""
	return w, atField("webhook_id", err)
}

// Webhooks returns a page of a project's webhooks, oldest first and without
// their secrets, and the token of the next one, empty at the end.
func (s *Service) Webhooks(ctx context.Context, f quire.WebhookFilter) ([]quire.Webhook, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if _, err := s.store.Project(ctx, f.ProjectID); err != nil {
		return nil, "", atField("project_id", err)
	}
	list, next, err := s.store.Webhooks(ctx, f)
	for i := range list {
		list[i].Secret = ""
	}
	return list, next, err
}

// DeleteWebhook removes a webhook and what is on its way to it.
func (s *Service) DeleteWebhook(ctx context.Context, call Call, id quire.WebhookID) error {
	op := s.operation(call, quire.OpDeleteWebhook, "Delete webhook")
	_, err := s.mutate(ctx, call, op, func(op quire.Operation) (quire.Operation, error) {
		return s.store.DeleteWebhook(ctx, id, op)
	})
	return atField("webhook_id", err)
}

// Deliveries returns a page of what was and is to be sent to a webhook, newest
// first, and the token of the next one, empty at the end.
func (s *Service) Deliveries(ctx context.Context, f quire.DeliveryFilter) ([]quire.Delivery, string, error) {
	if err := checkPage(f.Page); err != nil {
		return nil, "", err
	}
	if _, err := s.Webhook(ctx, f.WebhookID); err != nil {
		return nil, "", err
	}
	return s.store.Deliveries(ctx, f)
}
