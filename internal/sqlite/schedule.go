package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"quire"
	"quire/internal/service"
)

const (
	scheduleColumns = "id, project_id, name, timing, work, catch_up, overlap, paused, created_by, created_at, next_at, last"

	// scheduleVisible holds for the schedules of a project that is not deleted.
	scheduleVisible = "EXISTS (SELECT 1 FROM projects WHERE projects.id = schedules.project_id AND projects.deletion IS NULL)"
	selectSchedule  = "SELECT " + scheduleColumns + " FROM schedules WHERE id = ? AND " + scheduleVisible
)

// scheduleFields lists s's fields in the order of scheduleColumns.
func scheduleFields(s *quire.Schedule) []any {
	return []any{
		&s.ID, &s.ProjectID, &s.Name, asJSON(&s.Timing), asJSON(&s.Work), &s.CatchUp, &s.Overlap, &s.Paused, &s.CreatedBy,
		moment{&s.CreatedAt},
		moment{&s.Next},
		asJSON(&s.Last),
	}
}

// CreateSchedule implements service.ScheduleStore.
func (s *Store) CreateSchedule(ctx context.Context, c quire.Schedule, op quire.Operation, most int) (quire.Operation, error) {
	c.CreatedAt = s.orNow(c.CreatedAt)
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := s.projectThere(ctx, tx, c.ProjectID); err != nil {
			return err
		}
		if err := hasRoom(ctx, tx, "schedules", c.ProjectID, most); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insert("schedules", scheduleColumns), scheduleFields(&c)...); err != nil {
			return taken(err, "schedule", string(c.ID))
		}
		return finish(op, c.ID)
	})
}

// hasRoom returns ResourceExhausted where the project has most rows of the table.
func hasRoom(ctx context.Context, tx *sql.Tx, table string, id quire.ProjectID, most int) error {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table+" WHERE project_id = ?", id).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return quire.Errorf(quire.ResourceExhausted, "project %q has %d %s, which is the limit", id, n, table)
	}
	return nil
}

// Schedule implements service.ScheduleStore.
func (s *Store) Schedule(ctx context.Context, id quire.ScheduleID) (quire.Schedule, error) {
	var c quire.Schedule
	if err := s.reader.QueryRowContext(ctx, selectSchedule, id).Scan(scheduleFields(&c)...); err != nil {
		return quire.Schedule{}, fmt.Errorf("get schedule: %w", orNotFound(err, "schedule", string(id)))
	}
	return c, nil
}

// Schedules implements service.ScheduleStore.
func (s *Store) Schedules(ctx context.Context, f quire.ScheduleFilter) ([]quire.Schedule, string, error) {
	l := list{what: "schedules", columns: scheduleColumns + ", seq", where: []string{scheduleVisible}}
	l.narrow("project_id = ?", string(f.ProjectID))
	return fetch(ctx, s.reader, l, f.Page, func(row scanner) (c quire.Schedule, seq int64, err error) {
		err = row.Scan(append(scheduleFields(&c), &seq)...)
		return c, seq, err
	})
}

// UpdateSchedule implements service.ScheduleStore.
func (s *Store) UpdateSchedule(ctx context.Context, id quire.ScheduleID, op quire.Operation, change func(*quire.Schedule) error) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		var old quire.Schedule
		if err := tx.QueryRowContext(ctx, selectSchedule, id).Scan(scheduleFields(&old)...); err != nil {
			return orNotFound(err, "schedule", string(id))
		}
		c := old
		if err := change(&c); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE schedules
			SET name = ?, timing = ?, work = ?, catch_up = ?, overlap = ?, paused = ?, next_at = ? WHERE id = ?`,
			c.Name, asJSON(&c.Timing), asJSON(&c.Work), c.CatchUp, c.Overlap, c.Paused, moment{&c.Next}, id)
		if err != nil {
			return err
		}
		return finish(op, id)
	})
}

// DeleteSchedule implements service.ScheduleStore.
func (s *Store) DeleteSchedule(ctx context.Context, id quire.ScheduleID, op quire.Operation) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		gone, err := tx.ExecContext(ctx, "DELETE FROM schedules WHERE id = ? AND "+scheduleVisible, id)
		if err != nil {
			return err
		}
		if n, err := gone.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, notFound("schedule", string(id)))
		}
		return finish(op, nil)
	})
}

// NextDue implements service.ScheduleStore.
func (s *Store) NextDue(ctx context.Context) (quire.Schedule, bool, error) {
	var c quire.Schedule
	err := s.reader.QueryRowContext(ctx, "SELECT "+scheduleColumns+" FROM schedules WHERE next_at > 0 AND "+scheduleVisible+
		" ORDER BY next_at, seq LIMIT 1").Scan(scheduleFields(&c)...)
	if errors.Is(err, sql.ErrNoRows) {
		return quire.Schedule{}, false, nil
	}
	if err != nil {
		return quire.Schedule{}, false, fmt.Errorf("find the next schedule: %w", err)
	}
	return c, true, nil
}

// ScheduleBusy implements service.ScheduleStore.
func (s *Store) ScheduleBusy(ctx context.Context, id quire.ScheduleID) (bool, error) {
	return s.has(ctx, `SELECT EXISTS (SELECT 1 FROM executions
		WHERE schedule_id = ? AND schedule_id != '' AND state IN ('QUEUED', 'STARTING', 'RUNNING'))`, string(id))
}

// Fire implements service.ScheduleStore.
func (s *Store) Fire(ctx context.Context, id quire.ScheduleID, due, next time.Time, last *quire.Firing, start *service.Start) (bool, error) {
	fired := false
	err := s.write(ctx, func(tx *sql.Tx) error {
		text, err := json.Marshal(last)
		if err != nil {
			return err
		}
		moved, err := tx.ExecContext(ctx, `UPDATE schedules SET next_at = ?, last = iif(? = 'null', last, ?)
			WHERE id = ? AND next_at = ? AND next_at > 0 AND `+scheduleVisible, moment{&next}, string(text), string(text), id, moment{&due})
		if err != nil {
			return err
		}
		n, err := moved.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		fired = true
		if start == nil {
			return nil
		}
		return s.begin(ctx, tx, *start)
	})
	if err != nil {
		return false, fmt.Errorf("fire schedule %s: %w", id, err)
	}
	return fired, nil
}
