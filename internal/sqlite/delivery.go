package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"quire"
)

const deliveryColumns = "id, webhook_id, execution_id, event, project_id, target ->> '$.notebook', exec_state, schedule_id, sweep_id, " +
	"created_at, started_at, finished_at, failure, at, state, tries, next_at, status, message, ended_at"

// deliveryFields lists d's fields in the order of deliveryColumns.
func deliveryFields(d *quire.Delivery) []any {
	n := &d.Notice
	return []any{
		&d.ID, &d.WebhookID, &n.Execution, &d.Event, &n.ProjectID, &n.Notebook, &n.State, &n.Schedule, &n.Sweep,
		moment{&n.CreatedAt},
		moment{&n.StartedAt},
		moment{&n.FinishedAt},
		asJSON(&n.Failure),
		moment{&d.At},
		&d.State, &d.Tries,
		moment{&d.Next},
		&d.Status, &d.Message,
		moment{&d.Ended},
	}
}

// Deliveries implements service.WebhookStore.
func (s *Store) Deliveries(ctx context.Context, f quire.DeliveryFilter) ([]quire.Delivery, string, error) {
	l := list{what: "deliveries", columns: deliveryColumns + ", seq", newest: true}
	l.narrow("webhook_id = ?", string(f.WebhookID))
	return fetch(ctx, s.reader, l, f.Page, scanDelivery)
}

func scanDelivery(row scanner) (d quire.Delivery, seq int64, err error) {
	err = row.Scan(append(deliveryFields(&d), &seq)...)
	return d, seq, err
}

// DueDeliveries implements service.WebhookStore.
func (s *Store) DueDeliveries(ctx context.Context, now time.Time, limit int) ([]quire.Delivery, time.Time, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT "+deliveryColumns+", seq FROM deliveries WHERE next_at > 0 AND next_at <= ? ORDER BY next_at, seq LIMIT ?",
		moment{&now}, limit)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list due deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var due []quire.Delivery
	for rows.Next() {
		d, _, err := scanDelivery(rows)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("list due deliveries: %w", err)
		}
		due = append(due, d)
	}
	if err := rows.Err(); err != nil || len(due) > 0 {
		return due, time.Time{}, err
	}
	var next time.Time
	err = s.reader.QueryRowContext(ctx, "SELECT coalesce(min(next_at), 0) FROM deliveries WHERE next_at > 0").Scan(moment{&next})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("find the next delivery: %w", err)
	}
	return nil, next, nil
}

// SaveDelivery implements service.WebhookStore.
func (s *Store) SaveDelivery(ctx context.Context, d quire.Delivery) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, tries = ?, next_at = ?, status = ?, message = ?, ended_at = ? WHERE id = ?",
			d.State, d.Tries, moment{&d.Next}, d.Status, d.Message, moment{&d.Ended}, d.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("save delivery: %w", err)
	}
	return nil
}

// RemoveDeliveries implements service.WebhookStore.
func (s *Store) RemoveDeliveries(ctx context.Context, before time.Time, limit int) (int, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		gone, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE seq IN (
			SELECT seq FROM deliveries WHERE ended_at > 0 AND ended_at < ? ORDER BY ended_at LIMIT ?)`, moment{&before}, limit)
		if err != nil {
			return err
		}
		var errRows error
		n, errRows = gone.RowsAffected()
		return errors.Join(errRows)
	})
	if err != nil {
		return 0, fmt.Errorf("remove deliveries: %w", err)
	}
	return int(n), nil
}

// Noticed implements service.WebhookStore.
func (s *Store) Noticed() <-chan struct{} {
	s.notices.mu.Lock()
	defer s.notices.mu.Unlock()
	if s.notices.ch == nil {
		s.notices.ch = make(chan struct{})
	}
	return s.notices.ch
}

// notices tells of changes of executions' states after their commit: the
// database's trigger may have made deliveries of them.
type notices struct {
	mu sync.Mutex
	ch chan struct{} // nil while nobody waits
}

func (n *notices) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
