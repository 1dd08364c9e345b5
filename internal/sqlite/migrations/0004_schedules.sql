-- Schedules, and what submitted an execution. next_at is when the schedule is
-- due, 0 where it is not; it moves on in the transaction that stores the
-- execution of a due time.

CREATE TABLE schedules (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    project_id TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    timing     TEXT    NOT NULL,
    work       TEXT    NOT NULL,
    catch_up   TEXT    NOT NULL,
    overlap    TEXT    NOT NULL,
    paused     INTEGER NOT NULL CHECK (paused IN (0, 1)),
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    last       TEXT    NOT NULL
) STRICT;

CREATE INDEX schedules_by_project ON schedules (project_id, seq);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at > 0;

ALTER TABLE executions ADD COLUMN schedule_id  TEXT    NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN scheduled_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN sweep_id     TEXT    NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN sweep_number INTEGER NOT NULL DEFAULT 0;

CREATE INDEX executions_by_schedule ON executions (schedule_id, seq) WHERE schedule_id != '';
