package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"quire"
)

const (
	webhookColumns = "id, project_id, url, events, format, secret, execution_id, schedule_id, sweep_id, created_by, created_at"
	webhookVisible = "EXISTS (SELECT 1 FROM projects WHERE projects.id = webhooks.project_id AND projects.deletion IS NULL)"
)

// webhookFields lists w's fields in the order of webhookColumns.
func webhookFields(w *quire.Webhook) []any {
	return []any{
		&w.ID, &w.ProjectID, &w.URL, asJSON(&w.Events), &w.Format, &w.Secret, &w.Execution, &w.Schedule, &w.Sweep, &w.CreatedBy,
		moment{&w.CreatedAt},
	}
}

// CreateWebhook implements service.WebhookStore.
func (s *Store) CreateWebhook(ctx context.Context, w quire.Webhook, op quire.Operation, most int) (quire.Operation, error) {
	w.CreatedAt = s.orNow(w.CreatedAt)
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := s.projectThere(ctx, tx, w.ProjectID); err != nil {
			return err
		}
		if err := hasRoom(ctx, tx, "webhooks", w.ProjectID, most); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insert("webhooks", webhookColumns), webhookFields(&w)...); err != nil {
			return taken(err, "webhook", string(w.ID))
		}
		return finish(op, w.ID)
	})
}

// Webhook implements service.WebhookStore.
func (s *Store) Webhook(ctx context.Context, id quire.WebhookID) (quire.Webhook, error) {
	var w quire.Webhook
	err := s.reader.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks WHERE id = ? AND "+webhookVisible, id).Scan(webhookFields(&w)...)
	if err != nil {
		return quire.Webhook{}, fmt.Errorf("get webhook: %w", orNotFound(err, "webhook", string(id)))
	}
	return w, nil
}

// Webhooks implements service.WebhookStore.
func (s *Store) Webhooks(ctx context.Context, f quire.WebhookFilter) ([]quire.Webhook, string, error) {
	l := list{what: "webhooks", columns: webhookColumns + ", seq", where: []string{webhookVisible}}
	l.narrow("project_id = ?", string(f.ProjectID))
	return fetch(ctx, s.reader, l, f.Page, func(row scanner) (w quire.Webhook, seq int64, err error) {
		err = row.Scan(append(webhookFields(&w), &seq)...)
		return w, seq, err
	})
}

// DeleteWebhook implements service.WebhookStore.
func (s *Store) DeleteWebhook(ctx context.Context, id quire.WebhookID, op quire.Operation) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		gone, err := tx.ExecContext(ctx, "DELETE FROM webhooks WHERE id = ? AND "+webhookVisible, id)
		if err != nil {
			return err
		}
		if n, err := gone.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, notFound("webhook", string(id)))
		}
		return finish(op, nil)
	})
}
