-- What is done and belongs to no execution is removed by its age.

CREATE INDEX operations_by_end ON operations (modified_at) WHERE done = 1 AND kind != 'execute';
