-- +goose Up

-- The runs that failed or were canceled, so that a success writes nothing here. (A change of the state is never one that leaves
-- the indexes alone: there is one of the open runs.)
CREATE INDEX run_unsuccessful ON run (state, key) WHERE state > 3;

CREATE INDEX run_job ON run (job, key) WHERE job <> '';

-- Who knows nothing of these indexes reads and writes as before.
UPDATE store SET schema_version = 4, min_reader = 3;
