-- Sweeps. One goes with the last of its executions.

CREATE TABLE sweeps (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    project_id    TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    work          TEXT    NOT NULL,
    sweep_values  TEXT    NOT NULL,
    total         INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX sweeps_by_project ON sweeps (project_id, seq);
CREATE INDEX executions_by_sweep ON executions (sweep_id, state, sweep_number) WHERE sweep_id != '';

CREATE TRIGGER sweeps_expired AFTER DELETE ON executions WHEN OLD.sweep_id != '' BEGIN
    DELETE FROM sweeps WHERE id = OLD.sweep_id
        AND NOT EXISTS (SELECT 1 FROM executions WHERE sweep_id = OLD.sweep_id AND sweep_id != '');
END;
