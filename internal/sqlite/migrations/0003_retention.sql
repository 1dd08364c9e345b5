-- What is done and belongs to no execution is removed by its age.

CREATE INDEX operations_by_end ON operations (modified_at) WHERE done = 1 AND kind != 'execute';

-- Executions that have expired: their rows are gone, their folders may be there.

CREATE TABLE removed_executions (
    id TEXT NOT NULL PRIMARY KEY
) STRICT;
