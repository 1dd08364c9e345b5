-- Webhooks, and the notices on their way to them. A change of an execution's
-- state and its notices are one transaction, whoever makes the change.

CREATE TABLE webhooks (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    project_id   TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    url          TEXT    NOT NULL,
    events       TEXT    NOT NULL,
    format       TEXT    NOT NULL,
    secret       TEXT    NOT NULL,
    execution_id TEXT    NOT NULL,
    schedule_id  TEXT    NOT NULL,
    sweep_id     TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX webhooks_by_project ON webhooks (project_id, seq);

CREATE TABLE deliveries (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    webhook_id   TEXT    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    execution_id TEXT    NOT NULL,
    event        TEXT    NOT NULL,
    project_id   TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    exec_state   TEXT    NOT NULL,
    schedule_id  TEXT    NOT NULL,
    sweep_id     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    finished_at  INTEGER NOT NULL,
    failure      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    tries        INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    message      TEXT    NOT NULL,
    ended_at     INTEGER NOT NULL,
    UNIQUE (webhook_id, execution_id, event)
) STRICT;

CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, seq);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at > 0;
CREATE INDEX deliveries_by_end ON deliveries (ended_at) WHERE ended_at > 0;

CREATE TRIGGER executions_noticed AFTER UPDATE OF state ON executions
WHEN NEW.state != OLD.state AND NEW.state IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED') BEGIN
    INSERT OR IGNORE INTO deliveries (
        id, webhook_id, execution_id, event, project_id, target, exec_state, schedule_id, sweep_id,
        created_at, started_at, finished_at, failure, at, state, tries, next_at, status, message, ended_at)
    SELECT lower(hex(randomblob(13))), w.id, NEW.id, e.event, NEW.project_id, NEW.target, NEW.state, NEW.schedule_id, NEW.sweep_id,
        NEW.created_at, NEW.started_at, NEW.finished_at, NEW.failure,
        iif(NEW.finished_at > 0, NEW.finished_at, NEW.kernel_at), 'PENDING', 0, 1, 0, '', 0
    FROM webhooks w,
        (SELECT CASE NEW.state WHEN 'RUNNING' THEN 'START' WHEN 'SUCCEEDED' THEN 'SUCCESS' ELSE 'FAILURE' END AS event) e
    WHERE w.project_id = NEW.project_id
        AND w.execution_id IN ('', NEW.id) AND w.schedule_id IN ('', NEW.schedule_id) AND w.sweep_id IN ('', NEW.sweep_id)
        AND EXISTS (SELECT 1 FROM json_each(w.events) WHERE value = e.event);
END;
