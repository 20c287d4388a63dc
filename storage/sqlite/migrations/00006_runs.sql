-- +goose Up

-- The runs without an end, few whatever the history: those with an owner by the end of its lease, before them those that wait
-- for one, by age. It takes the place of an index of the leases alone, so a run that has one writes no entry more.
DROP INDEX run_leased;
CREATE INDEX run_open ON run (lease_until) WHERE state < 3;

-- The runs that failed or were canceled, so that a success writes nothing here.
CREATE INDEX run_unsuccessful ON run (state) WHERE state > 3;

CREATE INDEX run_job ON run (job) WHERE job <> '';

-- Who knows nothing of these indexes reads and writes as before.
UPDATE store SET schema_version = 6, min_reader = 5;
