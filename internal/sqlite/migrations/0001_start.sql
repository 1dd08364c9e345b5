-- Every time is nanoseconds since 1970 in UTC, 0 where there is none; seq is
-- the order of creation, which lists and claims follow. Columns hold what is
-- searched for, JSON holds the rest.

CREATE TABLE communities (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT    NOT NULL UNIQUE,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    labels             TEXT    NOT NULL,
    organization_id    TEXT    NOT NULL,
    zone_id            TEXT    NOT NULL,
    created_by         TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    name_folded        TEXT    NOT NULL,
    description_folded TEXT    NOT NULL
) STRICT;

INSERT INTO communities (
    id, name, description, labels, organization_id, zone_id, created_by, created_at, name_folded, description_folded
) VALUES (
    'default', 'default', '', 'null', '', '', '',
    CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000000, 'default', ''
);

CREATE TABLE operations (
    id              TEXT    NOT NULL PRIMARY KEY,
    kind            TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    community_id    TEXT    NOT NULL,
    project_id      TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL,
    done            INTEGER NOT NULL CHECK (done IN (0, 1)),
    result          TEXT,
    failure         TEXT,
    idempotency_key TEXT    NOT NULL,
    request_digest  TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX operations_by_key ON operations (created_by, idempotency_key) WHERE idempotency_key != '';

-- A project with a deletion is hidden and waits for its purge; its community
-- may go before it does.
CREATE TABLE projects (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    community_id TEXT    REFERENCES communities (id) ON DELETE SET NULL,
    name         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    labels       TEXT    NOT NULL,
    settings     TEXT    NOT NULL,
    limits       TEXT    NOT NULL,
    run          TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    name_folded  TEXT    NOT NULL,
    deletion     TEXT    REFERENCES operations (id) DEFERRABLE INITIALLY DEFERRED,
    CHECK (community_id IS NOT NULL OR deletion IS NOT NULL)
) STRICT;

CREATE INDEX projects_by_community ON projects (community_id, seq);
CREATE INDEX projects_by_deletion ON projects (deletion) WHERE deletion IS NOT NULL;

CREATE TABLE executions (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT    NOT NULL UNIQUE REFERENCES operations (id) DEFERRABLE INITIALLY DEFERRED,
    project_id          TEXT    NOT NULL REFERENCES projects (id),
    target              TEXT    NOT NULL,
    inputs              TEXT    NOT NULL,
    output_names        TEXT    NOT NULL,
    spec                TEXT    NOT NULL,
    spark_connector_id  TEXT    NOT NULL,
    run                 TEXT    NOT NULL,
    created_by          TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,

    state               TEXT    NOT NULL
        CHECK (state IN ('QUEUED', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED')),
    attempt             INTEGER NOT NULL,
    kernel              TEXT    NOT NULL,
    cells_total         INTEGER NOT NULL,
    cells_done          INTEGER NOT NULL,
    started_at          INTEGER NOT NULL,
    environment_at      INTEGER NOT NULL,
    kernel_at           INTEGER NOT NULL,
    finished_at         INTEGER NOT NULL,
    outputs             TEXT    NOT NULL,
    failure             TEXT    NOT NULL,

    cancel_requested_at INTEGER NOT NULL,
    claim_owner         TEXT    NOT NULL,
    claim_token         INTEGER NOT NULL,
    claim_until         INTEGER NOT NULL,
    handle              TEXT
) STRICT;

CREATE INDEX executions_by_state ON executions (state, seq);
CREATE INDEX executions_by_project ON executions (project_id, seq);
CREATE INDEX executions_by_project_state ON executions (project_id, state, seq);
