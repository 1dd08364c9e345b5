-- What an execution may use and cost, how it waits for its turn, and what it
-- left: terms, bounds, receipt, failed attempts.

ALTER TABLE executions ADD COLUMN terms    TEXT    NOT NULL DEFAULT '{"spec":{}}';
ALTER TABLE executions ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN retry_of TEXT    NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN attempts TEXT    NOT NULL DEFAULT 'null';
ALTER TABLE executions ADD COLUMN bounds   TEXT    NOT NULL DEFAULT 'null';
ALTER TABLE executions ADD COLUMN receipt  TEXT    NOT NULL DEFAULT 'null';
ALTER TABLE executions ADD COLUMN price    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN units    INTEGER NOT NULL DEFAULT 0;

CREATE INDEX executions_queue ON executions (project_id, priority DESC, seq) WHERE state = 'QUEUED';
CREATE INDEX executions_by_end ON executions (project_id, finished_at) WHERE finished_at > 0;

-- priority and max_running repeat what policy says, for the claim. queued and
-- running count the project's executions; served is when one was claimed last.
ALTER TABLE projects ADD COLUMN policy       TEXT    NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN priority     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN max_running  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN unit_balance INTEGER;
ALTER TABLE projects ADD COLUMN queued       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN running      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN served       INTEGER NOT NULL DEFAULT 0;

UPDATE projects SET
    queued  = (SELECT count(*) FROM executions WHERE project_id = projects.id AND state = 'QUEUED'),
    running = (SELECT count(*) FROM executions WHERE project_id = projects.id AND state IN ('STARTING', 'RUNNING'));

CREATE INDEX projects_waiting ON projects (priority DESC, running, served, seq) WHERE queued > 0;

CREATE TRIGGER executions_inserted AFTER INSERT ON executions BEGIN
    UPDATE projects SET
        queued  = queued  + (NEW.state = 'QUEUED'),
        running = running + (NEW.state IN ('STARTING', 'RUNNING'))
    WHERE id = NEW.project_id;
END;

CREATE TRIGGER executions_moved AFTER UPDATE OF state ON executions WHEN NEW.state != OLD.state BEGIN
    UPDATE projects SET
        queued  = queued  + (NEW.state = 'QUEUED') - (OLD.state = 'QUEUED'),
        running = running + (NEW.state IN ('STARTING', 'RUNNING')) - (OLD.state IN ('STARTING', 'RUNNING')),
        served  = CASE WHEN OLD.state = 'QUEUED' AND NEW.state = 'STARTING' THEN NEW.claim_until ELSE served END
    WHERE id = NEW.project_id;
END;

CREATE TRIGGER executions_deleted AFTER DELETE ON executions BEGIN
    UPDATE projects SET
        queued  = queued  - (OLD.state = 'QUEUED'),
        running = running - (OLD.state IN ('STARTING', 'RUNNING'))
    WHERE id = OLD.project_id;
END;
